"""A relay between a host of virtual machines and its storage service that writes down what passes."""
import socket
import socketserver
import threading


class Recorder(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A relay between host and storage that writes down all that passes it, each way of each connection by itself."""

    daemon_threads = True

    def __init__(self, path, storage, directory):
        self.storage, self.directory, self.count = storage, directory, 0
        directory.mkdir()
        super().__init__(str(path), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        pass  # A side that went away; the other is cut off too.

    def finish_request(self, host, address):
        with socket.socket(socket.AF_UNIX) as storage:
            storage.connect(self.storage)
            self.count += 1
            there = threading.Thread(target=self.copy, args=(host, storage, f"{self.count}-written"), daemon=True)
            there.start()
            self.copy(storage, host, f"{self.count}-read")
            there.join()

    def copy(self, source, target, name):
        with open(self.directory / name, "ab") as file:
            try:
                while piece := source.recv(1 << 18):
                    file.write(piece)
                    file.flush()
                    target.sendall(piece)
            except OSError:
                pass
        for side in (source, target):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
