import Foundation

/// The places in a data directory that the programs of an installation share.
package struct DataDirectory: Sendable {
    /// An absolute path.
    package let path: String

    package init(_ path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    package var cardPath: String { path + "/installation.json" }
    /// The certificate of the installation's own authority, PEM, for clients to trust.
    package var caPath: String { path + "/ca.pem" }
    /// The bootstrap administrator's client secret, nothing else, mode 0600.
    package var administratorSecretPath: String { path + "/administrator.secret" }
    /// The public key that verifies the audit log's signatures, PEM. Written once, never replaced.
    package var auditKeyPath: String { path + "/audit-key.pem" }
    package var rootKeyPath: String { path + "/root.key" }
    /// The root key wrapped by a key in a token, where an installation keeps it there.
    package var tokenRootKeyPath: String { path + "/root.key.token" }
    package var databasePath: String { path + "/store.sqlite" }
    package var disksPath: String { path + "/disks" }
    /// Images that virtual machines are made of.
    package var imagesPath: String { path + "/images" }
    package var runPath: String { path + "/run" }
    /// How the last server runs virtual machines' processors.
    package var accelerationPath: String { runPath + "/acceleration.json" }
    /// The directory of virtual machines' directories.
    package var machinesPath: String { runPath + "/vm" }
    /// The private configuration directory of `az`.
    package var azureConfigPath: String { path + "/azure" }

    /// - Throws: ``ClientError/noInstallation(_:)`` if `coffer serve` never ran here.
    package func card() throws -> InstallationCard {
        guard let bytes = FileManager.default.contents(atPath: cardPath) else { throw ClientError.noInstallation(path) }
        return try JSONDecoder().decode(InstallationCard.self, from: bytes)
    }

    /// The administrator's secret as text, for the shell that asked for it and for the token request.
    /// - Throws: ``ClientError/notReadable(_:)``.
    package func administratorSecret() throws -> String {
        guard let bytes = FileManager.default.contents(atPath: administratorSecretPath) else {
            throw ClientError.notReadable(administratorSecretPath)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
