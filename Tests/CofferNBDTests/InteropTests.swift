@testable import CofferBlock
import CofferCore
@testable import CofferNBD
import CofferTesting
import Foundation
import Testing

/// Programs of this machine.
enum Tool {
    static func has(_ name: String) -> Bool {
        ["/usr/bin", "/usr/local/bin", "/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// Runs a program to its end.
    ///
    /// - Returns: Its exit status and what it wrote to both outputs.
    static func run(_ name: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        let end = try await withCheckedThrowingContinuation { continuation in
            PosixThread.start(name: name) { continuation.resume(with: Result { try ToolProcess.run([name] + arguments) }) }
        }
        return (end.status, end.text)
    }
}

/// Other people's clients against this server.
struct InteropTests {
    @Test(.enabled(if: Tool.has("nbdinfo"), "needs nbdinfo"))
    func nbdinfoSeesTheExport() async throws {
        let running = try TestServer(byteCount: 123 << 12)
        let (status, output) = try await Tool.run("nbdinfo", [running.uri])
        #expect(status == 0)
        for line in [
            "export-size: \(123 << 12) ", "base:allocation", "can_flush: true", "can_fua: true", "can_multi_conn: true", "can_trim: true",
            "can_zero: true", "can_df: true", "is_read_only: false", "block_size_minimum: 1", "block_size_preferred: 4096",
            "block_size_maximum: 33554432",
        ] { #expect(output.contains(line), "\(line) is missing from \(output)") }
        let list = try await Tool.run("nbdinfo", ["--list", "nbd+unix:///?socket=\(running.server.path)"])
        #expect(list.output.contains("export=\"disk\""))
    }

    @Test(.enabled(if: Tool.has("qemu-io"), "needs qemu-io"))
    func qemuShowsWhyAnExportIsSuspended() async throws {
        let running = try TestServer()
        running.disk.suspend(reason: "the key is disabled")
        let (status, output) = try await Tool.run("qemu-io", ["-f", "raw", "-c", "read 0 4k", running.uri])
        #expect(status != 0)
        #expect(output.contains("the key is disabled"), "\(output)")
    }

    @Test(.enabled(if: Tool.has("nbdinfo") && Tool.has("qemu-io"), "needs nbdinfo and qemu-io"))
    func theMapOfHolesIsTheFiles() async throws {
        let running = try TestServer()
        let write = try await Tool.run("qemu-io", ["-f", "raw", "-c", "write -P 1 64k 64k", "-c", "write -P 1 512k 4k", running.uri])
        #expect(write.status == 0)
        let (_, output) = try await Tool.run("nbdinfo", ["--map", running.uri])
        let rows = output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true).prefix(3).joined(separator: " ") }
        #expect(rows == ["0 65536 3", "65536 65536 0", "131072 393216 3", "524288 4096 0", "528384 520192 3"])
    }

    @Test(.enabled(if: Tool.has("nbdcopy"), "needs nbdcopy"), arguments: [1, 2])
    func nbdcopyCopiesInAndOut(layers: Int) async throws {
        let running = try TestServer(byteCount: 24 << 20, layers: layers)
        var random = UInt64(42)
        var bytes = [UInt8](repeating: 0, count: 24 << 20)
        for index in 0..<(16 << 20) / 8 where index % 4096 < 3000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1
            bytes[index * 8] = UInt8(truncatingIfNeeded: random >> 56)
            bytes[index * 8 + 5] = UInt8(truncatingIfNeeded: random >> 48)
        }
        let source = "\(running.test.directory)/in", target = "\(running.test.directory)/out"
        try Data(bytes).write(to: URL(fileURLWithPath: source))
        let copyIn = try await Tool.run("nbdcopy", ["--flush", source, running.uri])
        #expect(copyIn.status == 0, "\(copyIn.output)")
        let copyOut = try await Tool.run("nbdcopy", [running.uri, target])
        #expect(copyOut.status == 0, "\(copyOut.output)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: target)) == Data(bytes))
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: running.test.path))) != bytes)
    }

    @Test(.enabled(if: Tool.has("qemu-img"), "needs qemu-img"))
    func qemuImgConvertsAndCompares() async throws {
        let running = try TestServer(byteCount: 8 << 20)
        let source = "\(running.test.directory)/in"
        try Data((0..<8 << 20).map { $0 % 65_536 < 40_000 ? UInt8(truncatingIfNeeded: $0 >> 4) : 0 }).write(to: URL(fileURLWithPath: source))
        let convert = try await Tool.run("qemu-img", ["convert", "-n", "-f", "raw", "-O", "raw", source, running.uri])
        #expect(convert.status == 0, "\(convert.output)")
        let compare = try await Tool.run("qemu-img", ["compare", "-f", "raw", "-F", "raw", source, running.uri])
        #expect(compare.status == 0, "\(compare.output)")
    }

    @Test(.enabled(if: Tool.has("qemu-io"), "needs qemu-io"))
    func qemuIOWritesAndReadsAtAnyAlignment() async throws {
        let running = try TestServer(layers: 2)
        let commands = [
            "write -P 0x5a 64k 256k", "write -f -P 3 1000 5000", "read -P 3 1000 5000", "read -P 0 0 1000", "read -P 0x5a 64k 256k",
            "discard 128k 64k", "read -P 0 128k 64k", "write -z 65k 10000", "read -P 0 65k 10000", "read -P 0x5a 76560 1000",
            "write -z -u 200k 8k", "read -P 0 200k 8k", "flush",
        ]
        let (status, output) = try await Tool.run("qemu-io", ["-f", "raw"] + commands.flatMap { ["-c", $0] } + [running.uri])
        #expect(status == 0, "\(output)")
        #expect(!output.contains("failed"), "\(output)")
    }

    @Test(.enabled(if: Tool.has("qemu-io"), "needs qemu-io"))
    func qemuIOMayOnlyReadAReadOnlyExport() async throws {
        let running = try TestServer(isReadOnly: true)
        let read = try await Tool.run("qemu-io", ["-r", "-f", "raw", "-c", "read -P 0 0 1M", running.uri])
        #expect(read.status == 0, "\(read.output)")
        let write = try await Tool.run("qemu-io", ["-f", "raw", "-c", "write 0 4k", running.uri])
        #expect(write.status != 0 || write.output.contains("read-only") || write.output.contains("failed"), "\(write.output)")
    }
}
