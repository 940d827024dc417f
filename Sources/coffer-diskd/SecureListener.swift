import CofferBlock
import CofferCore
import CofferCrypto
import CofferModel
import CofferNBD
import Glibc

/// Disks over TCP and TLS: where, and the files that are needed for it.
struct SecureListener {
    let address: SocketAddress
    let certificatePath: String
    let keyPath: String
    let clientAuthorityPath: String

    /// The longest file of certificates, in bytes.
    private static let fileByteCount = 1 << 20

    /// - Parameter options: By their names on the command line.
    /// - Throws: ``Exit`` if one is missing or the address is none.
    init(_ options: [String: String]) throws(Exit) {
        func value(_ name: String) throws(Exit) -> String {
            guard let value = options[name], !value.isEmpty else { throw .usage("\(name) is missing: TCP is served with TLS alone") }
            return value
        }
        let text = try value("--nbd-listen")
        guard let address = SocketAddress(text) else { throw .usage("\(text) is no address with a port, such as 127.0.0.1:10809 or [::1]:10809") }
        self.address = address
        certificatePath = Self.absolute(try value("--nbd-certificate"))
        keyPath = Self.absolute(try value("--nbd-key"))
        clientAuthorityPath = Self.absolute(try value("--nbd-client-ca"))
    }

    /// The process works elsewhere when the files are read.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        return "\(unsafe String(cString: here))/\(path)"
    }

    /// Has `server` listen.
    ///
    /// - Throws: ``Exit`` with what is wrong with the files or the address.
    func open(_ server: NBDServer) throws(Exit) -> NBDListener {
        let context: TLSContext
        do {
            let key = try PrivateFile(path: keyPath).read(atMost: Self.fileByteCount)
            context = try TLSContext(
                .server, chain: TextFile(path: certificatePath).read(atMost: Self.fileByteCount), privateKey: key,
                authorities: TextFile(path: clientAuthorityPath).read(atMost: Self.fileByteCount))
        } catch let error as PrivateFileError {
            throw Exit(78, error.description)
        } catch let error as TextFileError {
            throw Exit(66, error.description)
        } catch {
            throw Exit(78, "\(certificatePath), \(keyPath) and \(clientAuthorityPath) are not a certificate, its key and the clients' authority in PEM")
        }
        do throws(BlockError) {
            return try server.listen(on: address, context)
        } catch {
            throw Exit(73, "\(address): \(DiskFailure(error, path: address.description).message)")
        }
    }
}
