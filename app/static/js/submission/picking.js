// Ways to hand over files: a picker, a drop, and the question for a file that must be chosen again.

export function startPicking(main, { onFiles, onAgain }) {
  const drop = main.querySelector("[data-drop]");
  const again = document.createElement("input");
  again.type = "file";
  again.hidden = true;
  main.append(again);
  let wanted = null;
  again.addEventListener("change", () => {
    if (again.files.length && wanted) onAgain(wanted, again.files[0]);
    again.value = "";
  });
  if (drop) listen(drop, onFiles);
  return {
    askAgain(evidence) {
      wanted = evidence;
      again.click();
    },
  };
}

function listen(drop, onFiles) {
  const kinds = drop.dataset.kinds.split(" ");
  const pick = drop.querySelector("[data-pick]");
  const take = () => {
    const files = [...pick.files].map((file) => ({ file }));
    pick.value = "";
    onFiles(files, kinds);
  };
  pick.addEventListener("change", take);
  if (pick.files.length) take(); // chosen before this script was there
  for (const event of ["dragenter", "dragover"]) {
    drop.addEventListener(event, (moved) => {
      moved.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const event of ["dragleave", "drop"]) drop.addEventListener(event, () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    onFiles(await dropped(event.dataTransfer), kinds);
  });
}

// Dropped files come with a handle where the browser gives one: it survives a reload without a copy of the bytes.
async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map(async (item) => {
    const file = item.getAsFile();
    const handle = item.getAsFileSystemHandle ? await item.getAsFileSystemHandle() : null;
    return { file, handle: handle && handle.kind === "file" ? handle : null };
  });
  return (await Promise.all(found)).filter(({ file }) => file);
}
