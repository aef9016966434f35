// Who else is in a recording: one empty line at a time, and none where nobody else is in it.

export function startPeople(main) {
  const box = main.querySelector("[data-people]");
  if (!box) return;
  const rows = [...box.querySelectorAll("[data-person]")];
  const named = (row) => row.querySelector("[data-person-name]").value.trim() !== "";
  const is = (answer) => box.querySelector(`[name=people][value=${answer}]`).checked;
  const list = box.querySelector("[data-people-named]");
  const show = () => {
    const filled = rows.map(named).lastIndexOf(true);
    rows.forEach((row, n) => (row.hidden = n > filled + 1));
    list.hidden = is("none");
    list.open ||= is("some");
  };
  box.addEventListener("input", show);
  show();
}
