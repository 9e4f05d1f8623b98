// The page reads without this: it filters clips, folds groups, and unfolds the one that a link leads to.
(() => {
  const groups = [...document.querySelectorAll("details.group")];
  const filters = document.querySelector(".filters");
  const buttons = [...filters.querySelectorAll("[data-state]")];
  const fold = filters.querySelector("[data-fold]");
  const label = () => { fold.textContent = groups.some((group) => group.open) ? "fold all" : "unfold all"; };
  const show = (state) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.state === state));
    for (const group of groups) {
      let any = false;
      for (const clip of group.querySelectorAll(".clip")) {
        clip.hidden = state !== "" && clip.dataset.state !== state;
        any = any || !clip.hidden;
      }
      group.hidden = !any;
      if (state !== "" && any) group.open = true;
    }
    label();
  };
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const group = target && target.closest("details.group");
    if (!group) return;
    if (group.hidden || target.hidden) show("");
    group.open = true;
    target.scrollIntoView();
  };
  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.state));
  fold.addEventListener("click", () => {
    const open = !groups.some((group) => group.open);
    for (const group of groups) group.open = open;
    label();
  });
  for (const group of groups) group.addEventListener("toggle", label);
  addEventListener("hashchange", unfold);
  filters.hidden = false;
  label();
  unfold();
})();
