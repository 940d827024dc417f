import CofferModel
import Foundation

/// The five steps, what they have in common, and the table at the end.
final class Demo {
    let tools: DemoTools
    let directory: DemoDirectory
    /// Whether the customer's key lives in a hardware token.
    let hasToken: Bool
    let group = "demo"
    let location = "uksouth"
    let keyName = "disk-key"
    let setName = "demo-set"
    let diskName = "demo-disk"
    /// Vault names are global in Azure, so people are used to them being odd.
    let vaultName = "kv-demo-\(UUID().uuidString.prefix(6).lowercased())"
    /// What the guest writes and the host then looks for.
    let canary = "CANARY-\(UUID().uuidString)"
    var vaultID = ""
    var diskID = ""
    var keyID = ""
    var dataPath = ""
    /// The checksum of all that the guest wrote, as the guest computed it.
    var canaryChecksum = ""

    private static let notRun = "not run"

    private var outcomes: [Outcome] = []

    /// What became of a step.
    private struct Outcome {
        let title: String
        let failure: String?
        let seconds: String
    }

    init(tools: DemoTools, directory: DemoDirectory, hasToken: Bool) {
        self.tools = tools
        self.directory = directory
        self.hasToken = hasToken
    }

    /// - Throws: ``DemoFailure`` if a step did not show what it should.
    func run() throws(DemoFailure) {
        DemoTerminal.heading("Coffer in \(directory.path), with a data directory of its own")
        let token = try hasToken ? DemoToken(tools: tools) : nil
        _ = try DemoServer(tools: tools, token: token)
        tools.adopt(exports: try succeed("coffer", ["env", "--data", directory.data]).output)
        _ = try succeed("coffer", ["login", "--data", directory.data])
        step("A vault, a key, a disk encryption set and an encrypted disk, made with az", deploy)
        step("A guest lives on the disk; the host never sees its data", writeCanary)
        step("The key rotates; the disk follows, its data does not move", rotate)
        step("The key is disabled; a running guest loses its disk, and gets it back", revoke)
        step("Without Coffer: stock cryptsetup opens the data file", recover)
        printTable()
        let failed = outcomes.count { $0.failure != nil }
        try DemoFailure.unless(failed == 0, "\(failed) of \(outcomes.count) steps did not show what they should")
        printHowToGoOn()
    }

    private func step(_ title: String, _ body: () throws(DemoFailure) -> Void) {
        let number = outcomes.count + 1
        if outcomes.contains(where: { $0.failure != nil }) {
            outcomes.append(Outcome(title: title, failure: Self.notRun, seconds: "-"))
            return
        }
        DemoTerminal.heading("Step \(number). \(title)")
        let started = Date()
        var failure: String?
        do { try body() } catch {
            failure = error.sentence
            DemoTerminal.problem(error.sentence)
        }
        outcomes.append(Outcome(title: title, failure: failure, seconds: DemoServer.seconds(since: started)))
    }

    private func printTable() {
        DemoTerminal.heading("Summary")
        let width = outcomes.map(\.title.count).max() ?? 0
        for (index, outcome) in outcomes.enumerated() {
            let gap = String(repeating: " ", count: width - outcome.title.count)
            let seconds = String(repeating: " ", count: max(0, 8 - outcome.seconds.count)) + outcome.seconds
            DemoTerminal.line("  \(index + 1)  \(outcome.title)\(gap)\(seconds)  \(outcome.failure.map { $0 == Self.notRun ? $0 : "NOT OK" } ?? "ok")")
        }
    }

    private func printHowToGoOn() {
        let name = DemoTerminal.quoted(tools.coffer)
        DemoTerminal.heading("How to go on")
        DemoTerminal.line("""
              \(name) serve --data ~/coffer                    # keep this running
              eval "$(\(name) env --data ~/coffer)"            # in another shell: az now talks to it
              \(name) login --data ~/coffer
              az group create -n mine -l uksouth
            """)
    }

    // MARK: What several steps do

    /// Runs a command that must succeed.
    func succeed(_ program: String, _ arguments: [String]) throws(DemoFailure) -> DemoResult {
        let result = try tools.run(program, arguments)
        try DemoFailure.unless(result.status == 0, "\(program) \(arguments.first ?? ""): \(result.complaint)")
        return result
    }

    /// The words of `coffer disk VERB` for the demo's disk.
    func diskArguments(_ verb: String, _ more: String...) -> [String] {
        ["disk", verb, diskName, "-g", group, "--data", directory.data] + more
    }

    /// Attaches the disk.
    func attach() throws(DemoFailure) -> DemoGuest.Disk {
        let answer = try tools.json("coffer", diskArguments("attach", "--output", "json"))
        let arguments = (answer["qemuArguments"]?.array ?? []).compactMap(\.string)
        try DemoFailure.unless(!arguments.isEmpty, "coffer disk attach gave no QEMU arguments")
        DemoTerminal.evidence("served at", try text(answer, "nbdUri"))
        return .attached(arguments)
    }

    func detach() throws(DemoFailure) { _ = try succeed("coffer", diskArguments("detach")) }

    /// Boots a guest that must find the canary as it was written.
    func readCanary(disks: [DemoGuest.Disk], job: String = "read-canary") throws(DemoFailure) {
        let guest = try DemoGuest(tools: tools, parameters: [("job", job), ("canary", canary)], disks: disks)
        let said = try guest.succeed()
        try DemoFailure.unless(said["sha256"] == canaryChecksum, "the guest read something else than was written")
        DemoTerminal.evidence("guest read", "\(said["lines"] ?? "0") canary lines, sha256 as written: \(canaryChecksum.prefix(16))…")
    }

    /// The disk's header as its host has it.
    func inspect(isShown: Bool = true) throws(DemoFailure) -> JSONValue {
        try tools.json("coffer", diskArguments("inspect", "--output", "json"), isShown: isShown)
    }

    /// A member that must be there, by its path such as `properties.vaultUri`.
    func text(_ value: JSONValue, _ path: String) throws(DemoFailure) -> String {
        var member: JSONValue? = value
        for key in path.split(separator: ".") { member = member?[String(key)] }
        switch member {
        case .some(.string(let text)): return text
        case .some(.int(let number)): return String(number)
        case .some(.bool(let flag)): return String(flag)
        default: throw DemoFailure("the answer has no \(path)")
        }
    }
}
