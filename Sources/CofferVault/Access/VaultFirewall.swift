import CofferModel
import CofferPlatform

/// Decides whether a client may reach a vault's data plane over the network at all (contract section 2.1). Azure Resource Manager is
/// never behind it, so a vault cannot lock its administrators out.
///
/// Rules for virtual networks are kept and shown; no request comes from such a network here, so they never match.
struct VaultFirewall: Sendable {
    private let vault: VaultRecord

    init(_ vault: VaultRecord) {
        self.vault = vault
    }

    /// - Parameter address: The client's, as the connection has it.
    /// - Throws: ``APIError/forbiddenByConnection(_:_:issuer:)`` or ``APIError/forbiddenByFirewall(_:_:_:issuer:)``.
    func check(_ caller: Caller, from address: String, issuer: String) throws {
        guard vault.publicNetworkAccess == .enabled else { throw APIError.forbiddenByConnection(caller, vault, issuer: issuer) }
        guard deniesByDefault else { return }
        let client = IPv4Address(client: address)
        let ranges = vault.networkRules?.ipRules ?? []
        guard let client, ranges.contains(where: { IPv4Range($0.value)?.contains(client) ?? false }) else {
            throw APIError.forbiddenByFirewall(caller, client?.description ?? address, vault, issuer: issuer)
        }
    }

    /// Whether Coffer's own services, which Azure calls trusted services, may come in: the disk platform. They may wherever everybody may,
    /// and else if the rules let them by, which they do unless `bypass` is `None`. A perimeter has no such exception.
    var admitsTrustedServices: Bool {
        switch vault.publicNetworkAccess {
        case .enabled: !deniesByDefault || letsTrustedServicesBy
        case .disabled: letsTrustedServicesBy
        case .securedByPerimeter: false
        }
    }

    private var deniesByDefault: Bool { vault.networkRules?.defaultAction == "Deny" }

    private var letsTrustedServicesBy: Bool { vault.networkRules?.bypass != "None" }
}
