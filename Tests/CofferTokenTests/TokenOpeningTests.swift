import CofferCore
import CofferCrypto
import CofferPlatform
import CofferTesting
import CofferToken
import Foundation
import Testing

/// How a token is found and logged in to, and what happens when it goes away.
@Suite struct TokenOpeningTests {
    init() throws { try #require(SoftToken.isReady) }

    private func open(
        _ label: String, module: String = SoftToken.module, pin: String = SoftToken.pin
    ) async throws -> PKCS11Token {
        try await PKCS11Token.open(module: module, label: label, pin: SecretBytes(Array(pin.utf8)), threads: 2)
    }

    @Test func aMissingModuleIsNamed() async throws {
        let error = await refusal { _ = try await open(SoftToken.shared, module: "/nowhere/module.so") }
        guard case .module("/nowhere/module.so", let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("No such file"))
    }

    @Test func aLibraryThatIsNoModuleIsRefused() async throws {
        let path = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3"
        let error = await refusal { _ = try await open(SoftToken.shared, module: path) }
        #expect(error?.description.contains("C_GetFunctionList") == true || error?.description.contains("no PKCS #11 module") == true)
    }

    @Test func aMissingTokenIsToldWithThoseThatAreThere() async throws {
        let error = await refusal { _ = try await open("nobody's") }
        guard case .noToken("nobody's", let others) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(others.contains(SoftToken.shared))
        #expect(error?.description.contains("'\(SoftToken.shared)'") == true)
    }

    @Test func aWrongPINIsRefusedAndNotShown() async throws {
        let error = await refusal { _ = try await open(SoftToken.locked, pin: "0000-secret") }
        #expect(error == .pinRefused(SoftToken.locked, name: "CKR_PIN_INCORRECT"))
        #expect(error?.description.contains("0000-secret") == false)
        _ = try await open(SoftToken.locked)
    }

    @Test func aLostSessionIsOpenedAnew() async throws {
        let token = try await open(SoftToken.fragile)
        let name = try TokenKeyName.random()
        let key = try await token.newRSA(2048, as: name)
        let digest = DigestAlgorithm.sha256.hash([1])
        for number in 0..<4 {
            let raw = try RawModule(token: SoftToken.fragile)
            #expect((number % 2 == 0 ? raw.closeAllSessions() : raw.logOut()) == 0)
            #expect(try key.verify(await token.bytes(.sign(.rs256), digest, name.id), digest: digest, using: .rs256))
        }
        try await token.destroy(name.id)
    }
}

@Suite struct PINFileTests {
    private func file(_ content: String, mode: Int = 0o600) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "coffer-\(UUID().uuidString)").path()
        #expect(FileManager.default.createFile(atPath: path, contents: Data(content.utf8), attributes: [.posixPermissions: mode]))
        return path
    }

    @Test(arguments: ["1234", "1234\n", "1234\r\n"])
    func theLineIsThePIN(content: String) throws {
        let path = try file(content)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try PINFile.load(path).revealed == Array("1234".utf8))
    }

    @Test(arguments: [0o640, 0o604, 0o644])
    func aFileThatOthersMayReadIsRefused(mode: Int) throws {
        let path = try file("1234", mode: mode)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: PrivateFileError.readableByOthers(path, mode: UInt32(mode))) { _ = try PINFile.load(path).count }
        #expect(error?.description.contains("chmod 600 \(path)") == true)
    }

    @Test func anEmptyMissingOrLongFileIsRefused() throws {
        let empty = try file("\n")
        let long = try file(String(repeating: "1", count: 300))
        defer { for path in [empty, long] { try? FileManager.default.removeItem(atPath: path) } }
        #expect(throws: TokenError.emptyPIN(empty)) { _ = try PINFile.load(empty).count }
        #expect(throws: PrivateFileError.tooLong(long, 300)) { _ = try PINFile.load(long).count }
        #expect(throws: PrivateFileError.missing("/nowhere/pin")) { _ = try PINFile.load("/nowhere/pin").count }
    }
}
