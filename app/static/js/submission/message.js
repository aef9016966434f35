// One place for what went wrong, read out at once.
export class Message {
  constructor(main) {
    this.box = main.querySelector("[data-message]");
    this.text = this.box.querySelector("[data-message-text]");
  }

  show(text) {
    this.text.textContent = this.box.hidden ? text : `${this.text.textContent} ${text}`;
    this.box.hidden = false;
    this.box.scrollIntoView({ block: "nearest" });
  }

  clear() {
    this.box.hidden = true;
    this.text.textContent = "";
  }
}
