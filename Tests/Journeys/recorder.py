"""A relay between a host of virtual machines and its storage service that writes down all that passes it."""
import pathlib
import socket
import socketserver
import threading


class Recorder(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens at `path`, leads to the Unix socket `storage`, and keeps each way of each connection in a file of `directory`."""

    daemon_threads = True

    def __init__(self, path, storage, directory):
        self.storage, self.directory, self.count = str(storage), pathlib.Path(directory), 0
        self.directory.mkdir()
        super().__init__(str(path), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        pass  # A side that went away; the other is cut off too.

    def finish_request(self, host, address):
        with socket.socket(socket.AF_UNIX) as storage:
            storage.connect(self.storage)
            self.count += 1
            number = self.count
            there = threading.Thread(target=self.copy, args=(host, storage, f"{number}-written"), daemon=True)
            there.start()
            self.copy(storage, host, f"{number}-read")
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

    def byte_count(self):
        return sum(path.stat().st_size for path in self.directory.iterdir())
