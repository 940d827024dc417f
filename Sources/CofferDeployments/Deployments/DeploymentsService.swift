import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates
import Foundation

/// Starts, shows, cancels and forgets deployments.
struct DeploymentsService: Sendable {
    let store: any Store
    let sealer: any Sealer
    let clock: any WallClock
    let preflight: Preflight
    let runner: DeploymentRunner
    let settings: DeploymentsSettings

    /// Begins a deployment.
    ///
    /// - Throws: ``APIError`` for a template that cannot be deployed, and if one of this name runs.
    func start(_ id: ResourceID, _ body: [UInt8], correlationID: String, by grant: Grant) async throws -> (record: DeploymentRecord, isNew: Bool) {
        try Self.checkName(id.name)
        if let old = try await find(id), !old.state.isTerminal { throw APIError.deploymentActive(id.name) }
        let prepared = try await preflight.prepare(body, as: id, for: grant.caller)
        let run = UUID().uuidString.lowercased()
        let now = clock.now()
        var source = try JSON.encode(prepared.body.template)
        let sealed = Base64URL.encode(try await sealer.seal(SecretBytes(wiping: &source), realm: Self.realm, name: "\(id.key) \(run)"))
        let record = DeploymentRecord(
            id: id, scope: prepared.scope, location: prepared.body.location, tags: prepared.body.tags, mode: prepared.body.mode, run: run,
            correlationID: correlationID, started: now, caller: grant.caller.objectID, templateHash: prepared.shown.templateHash,
            contentVersion: prepared.template.contentVersion, sealedTemplate: sealed, parameters: prepared.shown.parameters,
            providers: prepared.shown.providers, dependencies: prepared.shown.dependencies, state: .running,
            ended: nil, outputs: nil, outputResources: [], error: nil)
        let isNew = try await store.write { [settings] transaction in
            let old = try transaction.value(DeploymentRecord.self, id.key, in: DeploymentRecord.collection)?.value
            if let old {
                guard old.state.isTerminal else { throw APIError.deploymentActive(id.name) }
                if let location = old.location, Location.canonical(location) != Location.canonical(record.location ?? "") {
                    throw APIError.deploymentLocationFixed(id.name, location)
                }
            } else {
                try transaction.forgetOldest(in: record.scope, over: settings.history - 1)
            }
            try transaction.forgetOperations(of: id)
            try transaction.put(record, id.key, in: DeploymentRecord.collection)
            try transaction.setRunning(id, RunningDeployment(run: run, leaseEnd: now.adding(DeploymentProgress.lease)))
            return old == nil
        }
        let caller = ResourceCaller(
            door: preflight.door, caller: grant.caller, authority: settings.authority, correlationID: correlationID, clock: clock)
        runner.start(prepared, run: run, caller: caller)
        return (record, isNew)
    }

    /// What would be deployed. Templates of nested deployments are looked into as far as they are known now.
    ///
    /// - Throws: ``APIError`` for a template that cannot be deployed.
    func validated(_ id: ResourceID, _ body: [UInt8], by grant: Grant) async throws -> PreparedDeployment {
        try Self.checkName(id.name)
        let prepared = try await preflight.prepare(body, as: id, for: grant.caller)
        try await preflight.checkNested(in: prepared, for: grant.caller)
        return prepared
    }

    /// - Throws: ``APIError/deploymentNotFound(_:)``.
    func deployment(_ id: ResourceID) async throws -> DeploymentRecord {
        guard let record = try await find(id) else { throw APIError.deploymentNotFound(id.name) }
        return record
    }

    /// The deployments of a scope, the youngest first.
    func deployments(of scope: ResourceID) async throws -> [DeploymentRecord] {
        let prefix = DeploymentRecord.prefix(of: scope)
        let records = try await store.read { try $0.values(DeploymentRecord.self, in: DeploymentRecord.collection, prefix: prefix) }
        var settled: [DeploymentRecord] = []
        for record in records { settled.append(try await self.settled(record)) }
        return settled.sorted { ($0.started, $0.id.key) > ($1.started, $1.id.key) }
    }

    func operations(of deployment: ResourceID) async throws -> [OperationRecord] {
        let prefix = OperationRecord.prefix(of: deployment)
        let operations = try await store.read { try $0.values(OperationRecord.self, in: OperationRecord.collection, prefix: prefix) }
        return operations.sorted { ($0.started, $0.operationID) < ($1.started, $1.operationID) }
    }

    /// The template as it was deployed.
    func template(of id: ResourceID) async throws -> JSONValue {
        let record = try await deployment(id)
        guard let sealed = Base64URL.decode(record.sealedTemplate) else { throw SealError.notAuthentic }
        let bytes = try await sealer.open(sealed, realm: Self.realm, name: record.sealName)
        return try JSON.decode(JSONValue.self, from: bytes.withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } })
    }

    /// Ends a deployment that runs. What is on its way is finished, and what is there stays.
    ///
    /// - Throws: ``APIError/deploymentNotRunning(_:_:)``.
    func cancel(_ id: ResourceID, by grant: Grant) async throws {
        _ = try await deployment(id)
        let now = clock.now()
        let run = try await store.write { transaction in
            guard var record = try transaction.value(DeploymentRecord.self, id.key, in: DeploymentRecord.collection)?.value else {
                throw APIError.deploymentNotFound(id.name)
            }
            guard !record.state.isTerminal else { throw APIError.deploymentNotRunning(id.name, record.state.rawValue) }
            record.state = .canceled
            record.ended = now
            record.error = ["code": "DeploymentCanceled", "message": "The deployment was canceled. What was deployed before stays; `az deployment operation group list` shows it."]
            try transaction.putEnded(record)
            return record.run
        }
        runner.cancel(run)
    }

    /// Forgets a deployment; what it deployed stays.
    ///
    /// - Returns: whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        if let record = try await find(id), !record.state.isTerminal { throw APIError.deploymentActive(id.name) }
        return try await store.write { try $0.forget(id) }
    }

    /// Forgets the deployments of a group that was deleted.
    func removeAll(below scope: ResourceID) async throws {
        guard scope.namespace == nil else { return }
        for record in try await deployments(of: scope) {
            runner.cancel(record.run)
            try await store.write { try $0.forget(record.id) }
        }
    }

    private static let realm = "deployments"

    private func find(_ id: ResourceID) async throws -> DeploymentRecord? {
        let record = try await store.read { try $0.value(DeploymentRecord.self, id.key, in: DeploymentRecord.collection)?.value }
        guard let record else { return nil }
        return try await settled(record)
    }

    /// Ends a deployment whose process says nothing any more: it died, and nobody else has the values of its secret parameters.
    private func settled(_ record: DeploymentRecord) async throws -> DeploymentRecord {
        guard record.state == .running, !runner.isRunning(record.run) else { return record }
        let now = clock.now()
        guard try await !store.read({ try $0.isAlive(record, at: now) }) else { return record }
        return try await store.write { transaction in
            guard var current = try transaction.value(DeploymentRecord.self, record.id.key, in: DeploymentRecord.collection)?.value else { return record }
            guard current.run == record.run, current.state == .running, try !transaction.isAlive(record, at: now) else { return current }
            current.state = .failed
            current.ended = now
            current.error = [
                "code": "DeploymentInterrupted",
                "message": "Coffer was ended while it deployed. What was deployed before stays: deploy again, and the rest follows.",
            ]
            try transaction.putEnded(current)
            return current
        }
    }

    static func checkName(_ name: String) throws {
        let isAllowed = name.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.()".unicodeScalars.contains($0) }
        guard (1...64).contains(name.count), isAllowed else { throw APIError.invalidDeploymentName() }
    }
}
