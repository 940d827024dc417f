@testable import CofferImport
import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Testing

/// Real images, made by qemu-img.
@Suite("Reading images")
struct QemuImageReaderTests {
    /// A directory that goes when the test ends.
    private final class Directory {
        let path = "\(NSTemporaryDirectory())/coffer-import-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        @discardableResult
        func qemu(_ words: String...) throws -> Int32 {
            try ToolProcess.run(["qemu-img"] + words, in: path).status
        }
    }

    private func message(_ uri: String, in directory: String?) async -> String {
        do {
            return "\(try await QemuImageReader(directory: directory).inspect(uri).byteCount) bytes"
        } catch {
            return (error as? APIError)?.message ?? "\(error)"
        }
    }

    @Test("Without a directory nothing is imported by name, and how to name one is told")
    func noDirectory() async {
        #expect(await message("file:///etc/passwd", in: nil).contains("--import-directory"))
    }

    @Test("Every format tells the size of its disk", arguments: DiskImage.Format.allCases)
    func formats(format: DiskImage.Format) async throws {
        let directory = try Directory()
        let options = format == .vhd ? "force_size=on" : ""
        try #require(try options.isEmpty ? directory.qemu("create", "-f", format.rawValue, "a", "8M") == 0 : directory.qemu("create", "-f", format.rawValue, "-o", options, "a", "8M") == 0)
        let image = try await QemuImageReader(directory: directory.path).inspect("file://\(directory.path)/a?format=\(format == .vhd ? "vhd" : format.rawValue)")
        #expect(image.byteCount == 8 << 20)
        #expect(image.format == format)
    }

    @Test("Images that lead to other files are refused before anything opens them")
    func hostile() async throws {
        let directory = try Directory()
        try directory.qemu("create", "-f", "raw", "secret.raw", "1M")
        try directory.qemu("create", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", "-u", "backed.qcow2", "1M")
        try directory.qemu("create", "-f", "qcow2", "-o", "data_file=secret.raw,data_file_raw=on", "apart.qcow2", "1M")
        try directory.qemu("create", "-f", "vmdk", "-o", "subformat=monolithicFlat", "flat.vmdk", "1M")
        try directory.qemu("create", "-f", "vmdk", "base.vmdk", "1M")
        try directory.qemu("create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "child.vmdk")
        try directory.qemu("create", "-f", "qcow2", "disguised.raw", "1M")
        let expected = [
            "backed.qcow2": "backing file", "apart.qcow2": "in another file", "flat.vmdk": "descriptor of other files", "child.vmdk": "parent",
            "secret.raw?format=qcow2": "not a qcow2 file", "secret.raw?format=vhd": "not a VHD file", "secret.raw?format=vhdx": "not a VHDX file",
        ]
        for (name, words) in expected {
            let said = await message("file://\(directory.path)/\(name)", in: directory.path)
            #expect(said.contains(words), "\(name): \(said)")
        }
        // A raw image stays raw whatever its contents look like.
        let size = try #require(try FileManager.default.attributesOfItem(atPath: "\(directory.path)/disguised.raw")[.size] as? Int)
        #expect(await message("\(directory.path)/disguised.raw", in: directory.path) == "\(size) bytes")
    }

    @Test("Headers that are cut short or spoiled are refused, not followed")
    func spoiled() throws {
        var random = SystemRandomNumberGenerator()
        for (format, mark) in [(DiskImage.Format.qcow2, [0x51, 0x46, 0x49, 0xFB]), (.vmdk, Array("KDMV".utf8)), (.vhd, Array("conectix".utf8))] {
            for count in 0..<120 {
                let bytes = mark + (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
                _ = ImageCheck.objection(to: format, head: bytes, tail: bytes)
            }
            #expect(ImageCheck.objection(to: format, head: mark, tail: mark) != nil)
            #expect(ImageCheck.objection(to: format, head: [], tail: []) != nil)
        }
    }

    @Test("Progress is read as it comes, in pieces of any length")
    func progress() {
        var meter = ProgressMeter()
        #expect(meter.read(Array("    (1.00/100%)\r    (2".utf8)) == 1)
        #expect(meter.read(Array(".5".utf8)) == nil)
        #expect(meter.read(Array("0/100%)\r".utf8)) == 2.5)
        #expect(meter.read(Array("(nan/ (1e9/ (-4/ (".utf8)) == nil)
    }

    @Test("A child that is killed ends at once, and its end is told")
    func killing() throws {
        let child = try ChildProcess(["sleep", "100"])
        child.kill()
        #expect(child.finish { _ in }.status == 128 + 9)
        child.kill()
        #expect(try ChildProcess(["sh", "-c", "echo out; echo reason >&2; exit 3"]).finish { _ in }.reason == "reason")
        #expect(throws: ProgramStart.Failure.self) { try ChildProcess(["/nonexistent/program"]) }
    }
}
