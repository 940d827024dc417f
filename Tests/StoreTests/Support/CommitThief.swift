import Foundation
import Glibc
import Synchronization

/// Stands between a store and the server, and takes away the answer to one COMMIT, or the COMMIT itself.
final class CommitThief: Sendable {
    enum Theft: Sendable {
        /// The server commits; the answer never arrives.
        case answer
        /// The server never hears of it.
        case request
    }

    private let listener: Int32
    private let server: String
    private let directory: TemporaryDirectory
    private let armed = Mutex<(theft: Theft, text: String)?>(nil)

    /// The URL of the same database by way of the thief.
    let url: String

    /// - Parameter url: As ``PostgresServer/makeDatabase(encoding:)`` gives it.
    init(before url: String) throws {
        guard let host = url.range(of: "host=") else { throw PostgresServerError(text: url) }
        server = url[host.upperBound...] + "/.s.PGSQL.5432"
        directory = try TemporaryDirectory()
        self.url = url[..<host.upperBound] + directory.path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = unsafe withAddress(directory.path + "/.s.PGSQL.5432") { unsafe bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 16) == 0 else { throw PostgresServerError(text: "no socket") }
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// Lets the next COMMIT, or the next statement with `text` in it or in what is bound to it, and only that, come to grief.
    func steal(_ theft: Theft, of text: String = "COMMIT") {
        armed.withLock { $0 = (theft, text) }
    }

    /// Ends the thread that accepts, which holds this object.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            if client < 0 { break }
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard unsafe withAddress(self.server, { unsafe connect(server, $0, $1) }) == 0 else { break }
            let line = Line(client: client, server: server)
            Thread.detachNewThread { [self] in carryRequests(line) }
            Thread.detachNewThread { line.carryAnswers() }
        }
        close(listener)
    }

    private func carryRequests(_ line: Line) {
        while let bytes = receive(line.client) {
            // A simple query, or one that was prepared.
            let isStatement = bytes.first == UInt8(ascii: "Q") || bytes.first == UInt8(ascii: "B")
            let theft = isStatement ? armed.withLock { armed -> Theft? in
                guard let (theft, text) = armed, String(decoding: bytes, as: UTF8.self).contains(text) else { return nil }
                armed = nil
                return theft
            } : nil
            switch theft {
            case nil:
                send(line.server, bytes)
            case .answer:
                line.isStolen.withLock { $0 = true }
                send(line.server, bytes)
            case .request:
                line.hangUp()
            }
        }
        line.hangUp()
    }

    /// One connection through the thief.
    private final class Line: Sendable {
        let client: Int32
        let server: Int32
        let isStolen = Mutex(false)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        func carryAnswers() {
            while let bytes = receive(server), !isStolen.withLock({ $0 }) { send(client, bytes) }
            hangUp()
        }

        func hangUp() {
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }

        deinit {
            close(client)
            close(server)
        }
    }
}

private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

private func receive(_ socket: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe recv(socket, &bytes, bytes.count, 0)
    return count > 0 ? Array(bytes.prefix(count)) : nil
}

private func send(_ socket: Int32, _ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
        let count = unsafe Glibc.send(socket, Array(bytes[sent...]), bytes.count - sent, Int32(MSG_NOSIGNAL))
        if count <= 0 { return }
        sent += count
    }
}
