// One shell in the sandbox: bytes both ways, and the window's size as text.
"use strict";
const terminal = new Terminal({ cursorBlink: true, screenReaderMode: true, theme: { background: "#0f141a" } });
const fit = new FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(document.getElementById("terminal"));
const said = document.getElementById("said");
const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/shell`);
socket.binaryType = "arraybuffer";
const tellSize = () => {
  fit.fit();
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ columns: terminal.cols, rows: terminal.rows }));
};
socket.onopen = () => { tellSize(); terminal.focus(); };
socket.onmessage = (message) => terminal.write(new Uint8Array(message.data));
socket.onclose = () => { said.textContent = "The shell has ended. Reload the page for a new one."; said.hidden = false; };
terminal.onData((text) => socket.readyState === WebSocket.OPEN && socket.send(new TextEncoder().encode(text)));
window.addEventListener("resize", tellSize);
