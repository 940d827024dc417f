import CofferModel
import CofferPlatform

/// The metadata services of the machines that run, each at a socket of its own.
struct MachineMetadata: Sendable {
    let store: any Store
    let identities: any ManagedIdentities
    let interfaces: any NetworkInterfaces
    let tokens: any IdentityTokens
    let listener: any GuestListener
    let provisioning: MachineProvisioning
    let settings: ComputeSettings

    /// Where a machine's socket is.
    func path(of machine: MachineID) -> String { "\(settings.machinesPath)/\(machine.text)/metadata.sock" }

    /// Answers a machine from now on. Repeating it is no error.
    func open(_ record: MachineRecord) async throws {
        try await listener.open(
            at: path(of: record.machine),
            MetadataHandler(
                id: record.id, machine: record.machine, store: store, identities: identities, interfaces: interfaces, tokens: tokens,
                provisioning: provisioning, settings: settings))
    }

    func close(_ record: MachineRecord) async { await listener.close(at: path(of: record.machine)) }
}
