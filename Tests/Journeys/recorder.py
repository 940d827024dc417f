"""A relay between a host of virtual machines and its storage service that writes down all that passes it."""
import pathlib
import socket
import socketserver
import threading


class Recorder(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens at `place`, leads to `storage`, and keeps each way of each connection in a file of `directory`.

    Both are paths of Unix sockets, or pairs of an address and a port."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, place, storage, directory):
        self.storage, self.directory, self.count = self.address(storage), pathlib.Path(directory), 0
        self.directory.mkdir()
        self.open = set()
        self.address_family = self.family(place)
        super().__init__(self.address(place), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        pass  # A side that went away; the other is cut off too.

    @staticmethod
    def family(place):
        return socket.AF_INET if isinstance(place, tuple) else socket.AF_UNIX

    @staticmethod
    def address(place):
        return place if isinstance(place, tuple) else str(place)

    def cut(self):
        """Ends all connections, wherever they are."""
        for one in list(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def finish_request(self, host, address):
        with socket.socket(self.family(self.storage)) as storage:
            storage.connect(self.storage)
            self.open.add(host)
            self.count += 1
            number = self.count
            there = threading.Thread(target=self.copy, args=(host, storage, f"{number}-written"), daemon=True)
            there.start()
            self.copy(storage, host, f"{number}-read")
            there.join()
            self.open.discard(host)

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
