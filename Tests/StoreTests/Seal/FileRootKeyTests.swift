import CofferCore
import CofferSeal
import Foundation
import Glibc
import Testing

@Suite struct FileRootKeyTests {
    private let directory: TemporaryDirectory
    private let key: FileRootKey

    init() throws {
        directory = try TemporaryDirectory()
        key = FileRootKey(path: directory.path + "/root.key")
    }

    @Test func aKeyIsMadeOnceAndThenAlwaysTheSame() throws {
        #expect(!key.exists)
        #expect(throws: RootKeyError.missing(key.path)) { _ = try key.load().count }
        try key.make()
        #expect(key.exists)
        let first = KeyringTests.bytes(try key.load())
        #expect(first.count == 32 && Set(first).count > 8)
        #expect(throws: RootKeyError.file(.system("create", key.path, EEXIST))) { try key.make() }
        #expect(KeyringTests.bytes(try key.load()) == first)
        let attributes = try FileManager.default.attributesOfItem(atPath: key.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["root.key"])
    }

    @Test func twoKeysAreNeverAlike() throws {
        let other = FileRootKey(path: directory.path + "/other.key")
        try key.make()
        try other.make()
        #expect(KeyringTests.bytes(try key.load()) != KeyringTests.bytes(try other.load()))
    }

    @Test func aDraftLeftByAProcessThatDiedIsNoHindrance() throws {
        try Data([1, 2, 3]).write(to: URL(filePath: key.path + ".new"))
        try key.make()
        #expect(try key.load().count == 32)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644, 0o601])
    func aKeyThatOthersMayReachIsRefused(mode: Int) throws {
        try key.make()
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key.path)
        let error = #expect(throws: RootKeyError.file(.readableByOthers(key.path, mode: UInt32(mode)))) { _ = try key.load().count }
        #expect(error?.description.contains("chmod 600 \(key.path)") == true)
    }

    @Test(arguments: [0, 31, 33, 64])
    func aFileOfAnotherSizeIsRefused(count: Int) throws {
        #expect(FileManager.default.createFile(
            atPath: key.path, contents: Data(repeating: 65, count: count), attributes: [.posixPermissions: 0o600]))
        let error = #expect(throws: RootKeyError.wrongSize(key.path, count)) { _ = try key.load().count }
        #expect(error?.description.contains("AA") == false)
    }

    @Test func aDirectoryIsNoKey() throws {
        try FileManager.default.createDirectory(
            atPath: key.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        #expect(throws: RootKeyError.file(.notAFile(key.path))) { _ = try key.load().count }
    }
}
