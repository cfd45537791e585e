/* Search from a file. Browsers give a page that was opened from a file no workers, so the worker's script runs in a hidden
   frame. Zensical would fetch such a script from a server; by this file's name it knows that there is one already. */
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.documentElement.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => this.tell((event) => this.onmessage?.(event), data);
      const script = inside.document.createElement("script");
      this.ready = new Promise((done) => script.addEventListener("load", done));
      script.addEventListener("error", (error) => this.onerror?.(error));
      script.src = url;
      inside.document.documentElement.append(script);
    }

    postMessage(data) {
      this.ready.then(() => this.tell((event) => this.frame.contentWindow.onmessage(event), data));
    }

    tell(listener, data) {
      const copy = structuredClone(data); // neither side sees what the other does to its own
      setTimeout(() => listener({ data: copy }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
