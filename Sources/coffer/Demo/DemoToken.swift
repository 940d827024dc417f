import CofferCore
import CofferCrypto
import Foundation

/// The demo's hardware token: one of SoftHSM's, in the throwaway directory.
struct DemoToken {
    private static let module = "/usr/lib/softhsm/libsofthsm2.so"
    private static let label = "coffer-demo"

    private let pinFile: String

    /// Makes it and tells SoftHSM, by the environment, where it is.
    init(tools: DemoTools) throws(DemoFailure) {
        guard FileManager.default.fileExists(atPath: Self.module) else {
            throw DemoFailure("SoftHSM is not installed: apt-get install softhsm2, or ./run --hsm does it all")
        }
        let directory = tools.directory
        pinFile = directory.file("token.pin")
        // Its own user's alone and gone with the demo; softhsm2-util takes it no other way than in its arguments.
        let pin = Hex.encode(SecureRandom.bytes(8))
        let settings = "directories.tokendir = \(directory.file("tokens"))\nobjectstore.backend = file\nlog.level = ERROR\n"
        do {
            try FileManager.default.createDirectory(
                atPath: directory.file("tokens"), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try DurableFile.write(Array(settings.utf8), to: directory.file("softhsm2.conf"), mode: 0o600)
            try DurableFile.write(Array(pin.utf8), to: pinFile, mode: 0o600)
        } catch {
            throw DemoFailure("the token's files cannot be written: \(error)")
        }
        tools.export("SOFTHSM2_CONF", directory.file("softhsm2.conf"))
        let made = try tools.run(
            "softhsm2-util", ["--init-token", "--free", "--label", Self.label, "--so-pin", pin, "--pin", pin], isShown: false)
        try DemoFailure.unless(made.status == 0, "softhsm2-util: \(made.complaint)")
        DemoTerminal.evidence("token", "'\(Self.label)' of SoftHSM in \(directory.file("tokens"))")
    }

    /// What `coffer serve` needs to use it, also for the root key.
    var serveArguments: [String] {
        ["--pkcs11", Self.module, "--token", Self.label, "--pin-file", pinFile, "--root-key-in-token"]
    }
}
