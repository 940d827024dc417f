import CofferCore
import CofferPlatform
import CofferSeal
import CofferTesting
import CofferToken
import Foundation
import Glibc
import Testing

@Suite(.serialized) struct TokenRootKeyTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "coffer-\(UUID().uuidString)").path()

    private func token() async throws -> PKCS11Token {
        try #require(SoftToken.isReady)
        return try await PKCS11Token.open(
            module: SoftToken.module, label: SoftToken.rooted, pin: SecretBytes(Array(SoftToken.pin.utf8)), threads: 1)
    }

    private func id() throws -> TokenKeyID {
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        let match = try #require(text.firstMatch(of: /"id":"([0-9a-f]{32})"/))
        return try #require(TokenKeyID(hex: String(match.output.1)))
    }

    @Test func theRootKeyComesBackOnlyThroughTheToken() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = TokenRootKey(path: path, token: try await token())
        #expect(!key.exists)
        await #expect(throws: RootKeyError.missing(path)) { _ = try await key.load().count }
        try await key.make()
        #expect(key.exists)
        let first = try await key.load().revealed
        #expect(first.count == 32 && Set(first).count > 8)
        #expect(try await TokenRootKey(path: path, token: token()).load().revealed == first)
        let file = try Data(contentsOf: URL(filePath: path))
        #expect(file.range(of: Data(first)) == nil && !String(decoding: file, as: UTF8.self).contains(Base64URL.encode(first)))
        await #expect(throws: RootKeyError.file(.system("create", path, EEXIST))) { try await key.make() }
        #expect(try await key.load().revealed == first)
    }

    @Test func withoutTheTokensKeyTheStoreStaysShut() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let token = try await token()
        let key = TokenRootKey(path: path, token: token)
        try await key.make()
        let store = InMemoryStore()
        let box = try await Keyring.open(root: key.load(), store: store).seal(SecretBytes([1, 2, 3]), realm: "a", name: "b")
        #expect(try await Keyring.open(root: key.load(), store: store).open(box, realm: "a", name: "b").revealed == [1, 2, 3])
        let id = try id()
        try await token.destroy(id)
        await #expect(throws: RootKeyError.token(.noKey(id))) { _ = try await key.load().count }
        // Another key of the same id does not open it either.
        _ = try await token.generate(.aes(bits: 256), as: TokenKeyName(id: id, label: "another"))
        await #expect(throws: RootKeyError.notOfThisToken(path)) { _ = try await key.load().count }
        try await token.destroy(id)
    }

    @Test func aFileThatIsNotOursIsRefused() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = TokenRootKey(path: path, token: try await token())
        for text in ["", "{}", #"{"version":2,"id":"00","nonce":"","key":""}"#, String(repeating: "k", count: 32)] {
            #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
            await #expect(throws: RootKeyError.malformed(path)) { _ = try await key.load().count }
        }
    }
}
