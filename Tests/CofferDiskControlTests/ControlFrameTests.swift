@testable import CofferDiskControl
import CofferModel
import Foundation
import Testing

struct ControlFrameTests {
    private static func disk() throws -> DiskID { try #require(DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")) }

    @Test func aCommandIsItsLengthAndItsJSON() throws {
        let bytes = try ControlFrame.encode(DiskCommand.suspend(disk: Self.disk(), reason: "a/b"))
        let text = #"{"suspend":{"disk":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","reason":"a/b"}}"#
        #expect(bytes == [0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8))
        #expect(try ControlFrame.command(Array(text.utf8)) == .suspend(disk: Self.disk(), reason: "a/b"))
    }

    @Test func everyCommandReadsBack() throws {
        let disk = try Self.disk()
        let layer = DiskLayer(keyID: "platform:1", algorithm: "A256KW", wrappedKey: [1, 2])
        let key = SealedKey(box: [3, 4])
        let commands: [DiskCommand] = [
            .hello(version: 1), .create(disk: disk, byteCount: 4096, layers: [layer], keys: [key]), .open(disk: disk, keys: [key], isReadOnly: true),
            .close(disk: disk), .rewrap(disk: disk, layer: 0, to: layer, key: key, from: 1), .suspend(disk: disk, reason: "x"),
            .resume(disk: disk, keys: [key]), .delete(disk: disk), .inspect(disk: disk), .list, .holes(disk: disk), .sync, .quitIfIdle,
        ]
        for command in commands {
            #expect(try ControlFrame.command(Array(ControlFrame.encode(command).dropFirst(4))) == command)
        }
    }

    @Test(arguments: [
        "", "{", "null", "[]", #"{"nonsense":{}}"#, #"{"close":{}}"#, #"{"close":{"disk":"../../etc"}}"#, #"{"close":{"disk":7}}"#,
        #"{"list":{},"sync":{}}"#, #"{"create":{"disk":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","byteCount":-1,"layers":[],"keys":[]}}"#,
        #"{"suspend":{"disk":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","reason":{}}}"#, String(repeating: "[", count: 100_000), "\u{0}\u{1}",
    ])
    func whatIsNoCommandIsRefused(text: String) {
        let failure = #expect(throws: DiskFailure.self) { try ControlFrame.command(Array(text.utf8)) }
        #expect(failure?.code == .badCommand)
    }
}
