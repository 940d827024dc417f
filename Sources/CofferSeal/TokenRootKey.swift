package import CofferCore
import CofferCrypto
import CofferModel
package import CofferPlatform

/// The root key wrapped by an AES-256 key that never leaves a token: the file alone opens nothing, and the token can be taken
/// away (docs/formats/seal.md).
///
/// The file and the token's key belong together; whoever loses either has no secret any more. Back the token up by its own
/// means.
package struct TokenRootKey: Sendable {
    /// The token key's label.
    static let label = "coffer root key"

    package let path: String
    private let token: any KeyToken

    private var file: PrivateFile { PrivateFile(path: path) }

    package init(path: String, token: any KeyToken) {
        self.path = path
        self.token = token
    }

    /// Whether there is something at the path.
    package var exists: Bool { file.exists }

    /// The key, opened by the token.
    ///
    /// - Throws: ``RootKeyError``.
    package func load() async throws -> SecretBytes {
        let record = try record()
        let wrapped = unsafe SecretBytes(copying: record.wrapped.span.bytes)
        do {
            let key = try await token.perform(
                .open(nonce: record.nonce, data: Self.binding(record.id)), on: wrapped, with: record.id)
            guard key.count == FileRootKey.count else { throw RootKeyError.malformed(path) }
            return key
        } catch {
            throw refusal(error)
        }
    }

    /// Makes a key in the token where there is no file, and a root key wrapped by it, which is proved to open before it is
    /// written.
    ///
    /// - Throws: ``RootKeyError``; ``RootKeyError/file(_:)`` with EEXIST if there is a file already.
    package func make() async throws {
        guard let id = TokenKeyID(SecureRandom.bytes(TokenKeyID.count)) else { throw RootKeyError.malformed(path) }
        do {
            _ = try await token.generate(.aes(bits: 256), as: TokenKeyName(id: id, label: Self.label))
            let text = try JSON.encode(await newRecord(id))
            unsafe try file.create(text.span.bytes)
        } catch {
            try? await token.destroy(id)
            throw refusal(error)
        }
    }

    private func newRecord(_ id: TokenKeyID) async throws -> TokenRootRecord {
        let nonce = SecureRandom.bytes(AESGCM.nonceLength)
        let root = SecureRandom.secret(FileRootKey.count)
        let wrapped = try await token.perform(.seal(nonce: nonce, data: Self.binding(id)), on: root, with: id)
        let proof = try await token.perform(.open(nonce: nonce, data: Self.binding(id)), on: wrapped, with: id)
        guard proof.constantTimeEquals(root) else { throw RootKeyError.notOfThisToken(path) }
        return TokenRootRecord(id: id, nonce: nonce, wrapped: wrapped)
    }

    private func record() throws -> TokenRootRecord.Parts {
        let bytes: [UInt8]
        do {
            bytes = try file.read(atMost: 4096).withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        } catch {
            throw refusal(error)
        }
        guard let parts = (try? JSON.decode(TokenRootRecord.self, from: bytes))?.parts else { throw RootKeyError.malformed(path) }
        return parts
    }

    /// What the seal is bound to, so that a file that names another key does not open.
    private static func binding(_ id: TokenKeyID) -> [UInt8] { Array("coffer root key v1".utf8) + [0] + id.bytes }

    private func refusal(_ error: any Error) -> RootKeyError {
        switch error {
        case let error as RootKeyError: error
        case let error as PrivateFileError: error.isMissing ? .missing(path) : .file(error)
        case let error as TokenError: error == .inputRefused ? .notOfThisToken(path) : .token(error)
        default: .token(.failed("open the root key", name: "\(error)"))
        }
    }
}
