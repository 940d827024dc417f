import CofferPlatform
import Foundation
import Testing

@testable import CofferQEMU

/// With shell scripts in QEMU's place, and with QEMU itself under translation.
@Suite("The probe of KVM")
struct AcceleratorProbeTests {
    private let directory: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("coffer-probe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private func program(_ lines: String) throws -> String {
        let path = directory + "/qemu"
        try "#!/bin/sh\necho run >> '\(directory)/runs'\n\(lines)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    private func probe(_ lines: String, limit: Duration = .seconds(60)) throws -> AcceleratorProbe {
        AcceleratorProbe(directory: directory, program: try program(lines), device: "/dev/null", limit: limit)
    }

    private var runs: Int { ((try? String(contentsOfFile: directory + "/runs", encoding: .utf8)) ?? "").split(separator: "\n").count }

    private func clear() { try? FileManager.default.removeItem(atPath: directory) }

    @Test("A guest that ends as it should means KVM; any other end means translation, with the reason", arguments: [
        ("exit 85", true, "to its end"), ("exit 0", false, "status 0"), ("exit 3", false, "status 3"), ("kill -9 $$", false, "signal 9"),
        ("kill -ABRT $$", false, "signal 6"),
    ])
    func ends(lines: String, works: Bool, words: String) throws {
        defer { clear() }
        let verdict = try probe(lines).verdict()
        #expect(verdict.worksWithKVM == works && verdict.reason.contains(words))
        #expect(verdict.acceleration.kind == (works ? .kvm : .tcg))
    }

    @Test("A guest that hangs is ended with all that it started")
    func hangs() throws {
        defer { clear() }
        let verdict = try probe("sleep 1000 & echo $! > '\(directory)/child'; wait", limit: .seconds(1)).verdict()
        #expect(!verdict.worksWithKVM && verdict.reason.contains("within 1 seconds"))
        let child = try #require(Int32(try String(contentsOfFile: directory + "/child", encoding: .utf8).trimmingCharacters(in: .newlines)))
        for _ in 0..<500 where isRunning(child) { usleep(10_000) }
        #expect(!isRunning(child))
    }

    /// What has ended may wait to be reaped.
    private func isRunning(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !status.contains(") Z")
    }

    @Test("A verdict is kept until it is asked for afresh, or QEMU is another")
    func kept() throws {
        defer { clear() }
        let probe = try probe("exit 85")
        #expect(probe.verdict().worksWithKVM && probe.verdict().worksWithKVM)
        #expect(runs == 1)
        _ = probe.verdict(isFresh: true)
        #expect(runs == 2)
        #expect(try !self.probe("exit 1 # another").verdict().worksWithKVM)
        try Data("{".utf8).write(to: URL(fileURLWithPath: directory + "/accelerator.json"))
        #expect(!probe.verdict().worksWithKVM)
    }

    @Test("Without KVM's device, or without QEMU, nothing is run")
    func missing() {
        defer { clear() }
        let none = AcceleratorProbe(directory: directory, device: directory + "/kvm").verdict()
        #expect(!none.worksWithKVM && none.reason.contains("cannot be used"))
        let gone = AcceleratorProbe(directory: directory, program: directory + "/gone", device: "/dev/null").verdict()
        #expect(!gone.worksWithKVM && gone.reason.contains("cannot be started"))
    }

    @Test("The sector does under translation what it is to do under KVM")
    func sector() throws {
        defer { clear() }
        #expect(ProbeSector.bytes.count == 512)
        let verdict = try probe("shift 4; exec \(QEMUArguments.program) -accel tcg -cpu max \"$@\"").verdict()
        #expect(verdict.worksWithKVM, "\(verdict.reason)")
    }
}
