package import CofferCore
package import CofferModel
package import CofferPlatform

/// Deployments of templates as a whole: what `coffer serve` plugs into Azure Resource Manager.
package struct DeploymentServices: Sendable {
    package let provider: DeploymentsProvider
    private let service: DeploymentsService

    /// - Parameters:
    ///   - sealer: Seals templates, which may hold secrets.
    ///   - door: Azure Resource Manager, where each resource is deployed as the caller.
    ///   - secrets: Reads the secrets of vaults that parameters refer to.
    ///   - report: Told what went wrong inside, for the log.
    package init(
        store: any Store, sealer: any Sealer, door: any ResourceDoor, secrets: any SecretReader, clock: any WallClock, settings: DeploymentsSettings,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let preflight = Preflight(door: door, secrets: secrets, clock: clock, settings: settings)
        service = DeploymentsService(
            store: store, sealer: sealer, clock: clock, preflight: preflight,
            runner: DeploymentRunner(store: store, clock: clock, report: report), settings: settings)
        provider = DeploymentsProvider(routes: DeploymentsRoutes(
            service: service, whatIf: WhatIfService(preflight: preflight, clock: clock, settings: settings), clock: clock, settings: settings))
    }

    /// Forgets the deployments of a group that was deleted.
    package func removeAll(below scope: ResourceID) async throws { try await service.removeAll(below: scope) }
}
