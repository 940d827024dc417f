import ArgumentParser

/// Which PKCS #11 token holds the keys of premium vaults (docs/hsm.md).
struct TokenOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The PKCS #11 module of the token that holds the HSM keys of premium vaults.", valueName: "path"))
    var pkcs11: String?

    @Option(name: .customLong("token"), help: ArgumentHelp("The token's label.", valueName: "label"))
    var label: String?

    @Option(help: ArgumentHelp("A file, mode 0600, with the token user's PIN on one line.", valueName: "path"))
    var pinFile: String?

    @Flag(help: "Keep the root key of the whole installation in the token too. Chosen at the first start, and given at each later one.")
    var rootKeyInToken = false

    /// - Throws: `ValidationError` unless all of what belongs together is given.
    func validateTogether() throws {
        let given = [pkcs11, label, pinFile].count { $0 != nil }
        guard given == 0 || given == 3 else {
            throw ValidationError("--pkcs11, --token and --pin-file belong together; give all three")
        }
        guard given == 3 || !rootKeyInToken else {
            throw ValidationError("--root-key-in-token needs a token: give --pkcs11, --token and --pin-file")
        }
    }
}
