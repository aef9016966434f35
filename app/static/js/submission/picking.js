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
  // The whole page takes files: one that is dropped beside the box would be opened instead of it.
  for (const event of ["dragenter", "dragover"]) {
    addEventListener(event, (moved) => {
      if (!holdsFiles(moved)) return;
      moved.preventDefault();
      drop.classList.add("over");
    });
  }
  addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    onFiles(await dropped(event.dataTransfer), kinds);
  });
}

function holdsFiles(event) {
  return [...event.dataTransfer.types].includes("Files");
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
