"""What the pages about people write in words."""

from django import template

from accounts.sessions import name_browser

register = template.Library()
register.filter("browser", name_browser)
