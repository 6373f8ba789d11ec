// Menus that drop down, and the sidebar as a drawer. Both close on Escape and on a click elsewhere.
{
  const side = document.getElementById("side");
  const drawerButtons = [...document.querySelectorAll("[data-drawer]")];
  let opener = null;

  const showMenu = (button, on) => {
    const menu = document.getElementById(button.getAttribute("aria-controls"));
    menu.hidden = !on;
    button.setAttribute("aria-expanded", on);
    if (on) menu.querySelector("input:not([type=hidden]), a, button")?.focus();
  };
  const openMenus = () => [...document.querySelectorAll('[data-menu][aria-expanded="true"]')];
  const showDrawer = (on) => {
    side.classList.toggle("open", on);
    for (const button of drawerButtons) button.setAttribute("aria-expanded", on);
    if (on) side.querySelector("a").focus();
    else opener?.focus();
  };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-menu]");
    for (const button of openMenus())
      if (button !== pressed && !button.parentElement.contains(event.target))
        showMenu(button, false);
    if (pressed) showMenu(pressed, pressed.getAttribute("aria-expanded") !== "true");
    const drawer = event.target.closest("[data-drawer]");
    if (drawer) {
      opener = drawer;
      showDrawer(!side.classList.contains("open"));
    } else if (side?.classList.contains("open") && !side.contains(event.target)) showDrawer(false);
    for (const fold of document.querySelectorAll("details[data-pop][open]"))
      if (!fold.contains(event.target)) fold.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const button of openMenus()) {
      showMenu(button, false);
      button.focus();
    }
    for (const fold of document.querySelectorAll("details[data-pop][open]")) {
      fold.open = false;
      fold.querySelector("summary").focus();
    }
    if (side?.classList.contains("open")) showDrawer(false);
  });
}
