// Buttons with data-copy="text" put that text on the clipboard, and say so in a toast.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  let text = `Copied ${button.dataset.copy}`;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    text = "The browser did not allow copying. Select the address and copy it by hand.";
  }
  document.dispatchEvent(new CustomEvent("toast", { detail: { text } }));
});
