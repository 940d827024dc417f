package import CofferNBDWire

/// Where a storage service offers its disks over NBD: an NBD URI
/// (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md).
package enum LinkAddress: Equatable, Sendable {
    /// The path of its Unix socket, on this machine.
    case local(socketPath: String)
    /// Over TCP and TLS.
    ///
    /// - Parameters:
    ///   - host: A name or an address, which the service's certificate must have.
    ///   - certificates: The directory of the host's certificate, as ``LinkCertificates`` reads it.
    case secure(host: String, port: UInt16, certificates: LinkCertificates)

    package init(socketPath: String) { self = .local(socketPath: socketPath) }

    /// The port of the protocol where a URI names none.
    private static let usualPort: UInt16 = 10809

    /// - Returns: nil unless `uri` is `nbd+unix:///?socket=PATH` or `nbds://HOST[:PORT]/?tls-certificates=DIRECTORY`, with absolute paths without
    ///   percent signs. There is none over TCP without TLS.
    package init?(uri: String) {
        if let path = Self.path(uri, after: "nbd+unix:///?socket=") {
            self = .local(socketPath: path)
            return
        }
        let (scheme, question) = ("nbds://", "/?tls-certificates=")
        guard uri.hasPrefix(scheme), let range = uri.firstRange(of: question),
            let directory = Self.path(uri, after: String(uri[..<range.upperBound]))
        else { return nil }
        let place = String(uri[..<range.lowerBound].dropFirst(scheme.count))
        var (host, port) = (place, Self.usualPort)
        if !place.hasSuffix("]"), let colon = place.lastIndex(of: ":") {
            guard let number = UInt16(place[place.index(after: colon)...]), number > 0 else { return nil }
            (host, port) = (String(place[..<colon]), number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfHost) else { return nil }
        self = .secure(host: host, port: port, certificates: LinkCertificates(directory: directory))
    }

    private static func path(_ uri: String, after start: String) -> String? {
        guard uri.hasPrefix(start) else { return nil }
        let path = String(uri.dropFirst(start.count))
        guard path.hasPrefix("/"), !path.contains("%"), !path.contains("&") else { return nil }
        return path
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
        }
    }

    /// A new connection.
    ///
    /// - Throws: ``NBDFailure/connection(_:)``.
    package func connect() throws(NBDFailure) -> any ByteWire {
        switch self {
        // A storage that makes I/O wait for its keys answers late, and one that has ended ends the connection.
        case .local(let path): try SocketWire(path: path, timeout: 0)
        case .secure(let host, let port, let certificates): try TLSWire(host: host, port: port, certificates.context())
        }
    }

    /// Reads the files that connections need.
    ///
    /// - Throws: ``NBDFailure/connection(_:)`` that says which cannot be used.
    package func check() throws(NBDFailure) {
        if case .secure(_, _, let certificates) = self { _ = try certificates.context() }
    }
}
