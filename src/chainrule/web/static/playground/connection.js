// The page's session on the server: commands go there, messages come back.

export class Connection {
  constructor(handlers) {
    this.handlers = handlers; // type of message → function
    this.waiting = [];
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/playground/session`);
    this.socket.onopen = () => {
      this.waiting.splice(0).forEach((text) => this.socket.send(text));
    };
    this.socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handlers[message.type]?.(message);
    };
    this.socket.onclose = () => this.handlers.closed?.();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  ask(command) {
    const text = JSON.stringify(command);
    if (this.isOpen) this.socket.send(text);
    else if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(text);
    else this.handlers.closed?.();
  }
}
