// The page's session on the server: commands go there, messages come back.

const KINDS = { uint8: Uint8Array, float32: Float32Array };

// A message as it is packed in encoding.py: the length of a text, the text, the arrays in it.
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true), start = 4 + length;
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  return JSON.parse(text, (_, value) => {
    const array = value?.$array;
    return array ? new KINDS[array[0]](buffer, start + array[1], array[2]) : value;
  });
}

export class Connection {
  constructor(handlers) {
    this.handlers = handlers; // type of message → function
    this.waiting = [];
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/playground/session`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.waiting.splice(0).forEach((text) => this.socket.send(text));
    };
    this.socket.onmessage = (event) => {
      const message = unpack(event.data);
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
