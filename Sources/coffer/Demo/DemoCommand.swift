import ArgumentParser
import Foundation

/// `coffer demo`: the whole of Coffer in five steps, with the real `az` and a real guest.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show Coffer at work: five steps with az and a QEMU guest, each with its evidence.",
        discussion: """
            Starts a Coffer of its own in a throwaway data directory, deploys a customer-managed key and an encrypted disk \
            with az, lets a guest live on the disk, rotates and revokes the key, and recovers the data without Coffer. \
            Nothing outside the throwaway directory is touched. Ends with status 1 if a step did not show what it should.
            """
    )

    @Flag(help: "Keep the throwaway directory, with all logs.")
    var keep = false

    @Flag(help: "Keep the customer's key and the root key in a PKCS #11 token: one of SoftHSM's, made for the demo.")
    var hsm = false

    @Option(help: ArgumentHelp("Where guest/build.sh put the guest.", valueName: "directory"))
    var guest: String?

    @Option(help: ArgumentHelp("Which az to use; by default COFFER_AZ, what scripts/setup.sh installed, or PATH.", valueName: "path"))
    var az: String?

    func run() throws {
        let directory = try DemoDirectory(isKept: keep)
        directory.removeOnInterrupt()
        defer { directory.remove() }
        do {
            let tools = try DemoTools(az: az, guest: guest, directory: directory)
            try Demo(tools: tools, directory: directory, hasToken: hsm).run()
        } catch {
            DemoTerminal.problem(error.sentence)
            throw ExitCode.failure
        }
    }
}

/// Why the demo cannot go on, or what a step did not show.
struct DemoFailure: Error {
    let sentence: String

    init(_ sentence: String) { self.sentence = sentence }

    /// Ends the step with `sentence` unless `condition` holds.
    static func unless(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(DemoFailure) {
        if !condition { throw DemoFailure(sentence()) }
    }
}
