import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// What a machine is set up with that only its guest may see: a password's hash and custom data. Both are sealed in the machine's record.
struct MachineProvisioning: Sendable {
    let sealer: any Sealer

    /// As they are sealed.
    struct Secrets: Codable, Equatable, Sendable {
        /// As `/etc/shadow` has it.
        var passwordHash: String?
        /// In base 64, as the client sent it.
        var customData: String?
    }

    private static let realm = "machines"

    /// What a request asks to be handed over.
    ///
    /// - Parameter old: What was asked before, of which that stays which is not said anew. A hash of the same password stays too.
    func secrets(of access: AdministratorAccess, over old: Secrets = Secrets()) throws -> Secrets {
        var secrets = old
        secrets.customData = access.customData ?? old.customData
        guard let password = access.password else { return secrets }
        var bytes = Array(password.utf8)
        if let hash = old.passwordHash, LoginPassword.matches(SecretBytes(wiping: &bytes), hash) { return secrets }
        bytes = Array(password.utf8)
        guard let hash = LoginPassword.hash(SecretBytes(wiping: &bytes)) else {
            throw APIError.administratorPassword("has a character that no password can have, or this host's libcrypt has no yescrypt")
        }
        secrets.passwordHash = hash
        return secrets
    }

    /// - Returns: nil if there is nothing to hand over.
    func seal(_ secrets: Secrets, for machine: MachineID) async throws -> MachineRecord.Provisioning? {
        guard secrets != Secrets() else { return nil }
        var document = try JSON.encode(secrets)
        let sealed = try await sealer.seal(SecretBytes(wiping: &document), realm: Self.realm, name: machine.text)
        return MachineRecord.Provisioning(sealed: Base64URL.encode(sealed))
    }

    /// What the guest is to be told; empty once it has said that it is set up.
    func handedOut(_ record: MachineRecord) async throws -> Secrets {
        guard let provisioning = record.provisioning, !provisioning.isDone else { return Secrets() }
        return try await open(provisioning, of: record.machine)
    }

    /// Checks that a change of a machine says nothing else than what it was made with, as clients repeat whole templates.
    ///
    /// - Throws: ``APIError`` with the code `PropertyChangeNotAllowed`.
    func requireSame(_ access: AdministratorAccess, as record: MachineRecord) async throws {
        guard access.password != nil || access.customData != nil else { return }
        guard let provisioning = record.provisioning else {
            throw APIError.machinePropertyFixed(access.password != nil ? "osProfile.adminPassword" : "osProfile.customData")
        }
        let known = try await open(provisioning, of: record.machine)
        if let password = access.password {
            var bytes = Array(password.utf8)
            guard let hash = known.passwordHash, LoginPassword.matches(SecretBytes(wiping: &bytes), hash) else {
                throw APIError.machinePropertyFixed("osProfile.adminPassword")
            }
        }
        if let data = access.customData, data != known.customData { throw APIError.machinePropertyFixed("osProfile.customData") }
    }

    /// - Parameter machine: Whom it was sealed for.
    func open(_ provisioning: MachineRecord.Provisioning, of machine: MachineID) async throws -> Secrets {
        let secret = try await sealer.open(Base64URL.decode(provisioning.sealed) ?? [], realm: Self.realm, name: machine.text)
        var document = secret.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        defer { _ = SecretBytes(wiping: &document) }
        return try JSON.decode(Secrets.self, from: document)
    }
}

extension APIError {
    /// - Parameter fault: What is wrong with it; never the password.
    static func administratorPassword(_ fault: String) -> APIError {
        invalidParameter("The supplied password \(fault).", target: "adminPassword")
    }
}
