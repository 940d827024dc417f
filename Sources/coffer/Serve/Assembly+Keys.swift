import CofferClient
import CofferCore
import CofferPlatform
import CofferSeal
import CofferToken

/// Where the keys of an installation come from: its token, and the root key of everything that is sealed.
extension Assembly {
    /// The token that the command names, or nil.
    ///
    /// - Throws: `TokenError`, or `PrivateFileError` of the PIN's file.
    func openToken() async throws -> (any KeyToken)? {
        guard let module = command.token.pkcs11, let label = command.token.label, let pinFile = command.token.pinFile else { return nil }
        return try await PKCS11Token.open(module: module, label: label, pin: PINFile.load(pinFile), threads: processors)
    }

    /// The root key is made where neither it nor anything sealed under it is there yet; a store that is sealed already needs the
    /// key that it was sealed under.
    func openKeyring(_ store: any Store, _ token: (any KeyToken)?) async throws -> Keyring {
        do {
            let isSealed = try await Keyring.exists(in: store)
            return try await Keyring.open(root: rootKey(isSealed: isSealed, token), store: store)
        } catch let error as RootKeyError {
            throw StartFailure.configuration(error.description)
        }
    }

    private func rootKey(isSealed: Bool, _ token: (any KeyToken)?) async throws -> SecretBytes {
        let file = FileRootKey(path: directory.rootKeyPath)
        guard command.token.rootKeyInToken, let token else {
            guard !PrivateFile(path: directory.tokenRootKeyPath).exists else {
                throw StartFailure.configuration(
                    "the root key of this installation is in a token: add --root-key-in-token with --pkcs11, --token and --pin-file")
            }
            if !file.exists, !isSealed { try file.make() }
            return try file.load()
        }
        guard !file.exists else {
            throw StartFailure.configuration(
                "the root key of this installation is in \(file.path); start without --root-key-in-token, which is for new installations")
        }
        let wrapped = TokenRootKey(path: directory.tokenRootKeyPath, token: token)
        if !wrapped.exists, !isSealed { try await wrapped.make() }
        return try await wrapped.load()
    }
}
