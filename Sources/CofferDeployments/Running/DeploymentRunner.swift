import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates
import Synchronization

/// Runs deployments in the background, each in a task of its own.
final class DeploymentRunner: Sendable {
    private let store: any Store
    private let clock: any WallClock
    private let report: @Sendable (String) -> Void
    /// By run.
    private let tasks = Mutex<[String: Task<Void, Never>]>([:])

    init(store: any Store, clock: any WallClock, report: @escaping @Sendable (String) -> Void) {
        self.store = store
        self.clock = clock
        self.report = report
    }

    func start(_ prepared: PreparedDeployment, run: String, caller: ResourceCaller) {
        let progress = DeploymentProgress(store: store, clock: clock, deployment: prepared.id, run: run)
        // Detached, for what the request carries with it ends with the request.
        tasks.withLock { tasks in
            tasks[run] = Task.detached { [self] in
                await perform(prepared, progress, caller)
                self.tasks.withLock { $0[run] = nil }
            }
        }
    }

    /// Whether this process runs it.
    func isRunning(_ run: String) -> Bool { tasks.withLock { $0[run] != nil } }

    /// Ends a run of this process; requests on their way are finished.
    func cancel(_ run: String) { tasks.withLock { $0[run] }?.cancel() }

    private func perform(_ prepared: PreparedDeployment, _ progress: DeploymentProgress, _ caller: ResourceCaller) async {
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await self.carryOut(prepared, progress, caller)
                    return true
                }
                group.addTask {
                    while true {
                        try await Task.sleep(for: DeploymentProgress.beat)
                        do {
                            try await progress.beat()
                        } catch let error as StoreError {
                            // The next beat may do better before the lease ends.
                            self.report("the lease of deployment \(prepared.id.text) could not be prolonged: \(error)")
                        }
                    }
                }
                _ = try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
        } catch is DeploymentProgress.Lost {
        } catch {
            report("deployment \(prepared.id.text) could not be written down: \(error)")
            let message = "Coffer could not go on with the deployment; its log says why. Deploy again: what is there already stays as it is."
            try? await progress.finish(.failed, outputs: nil, resources: [], error: ["code": "InternalServerError", "message": .string(message)])
        }
    }

    private func carryOut(_ prepared: PreparedDeployment, _ progress: DeploymentProgress, _ caller: ResourceCaller) async throws {
        let step = ResourceStep(caller: caller, progress: progress, mask: SecretMask(prepared))
        let outcome: DeploymentRun.Outcome
        do {
            outcome = try await DeploymentRun(prepared, step: step).perform()
        } catch let failure as TemplateFailure {
            outcome = DeploymentRun.Outcome(failures: [(nil, step.mask.masked(failure.apiError))])
        }
        try Task.checkCancellation()
        try await progress.finish(
            outcome.failures.isEmpty ? .succeeded : .failed, outputs: outcome.outputs, resources: outcome.resources.distinct, error: outcome.error)
    }
}

extension DeploymentRun.Outcome {
    /// What failed and why, and what was left because of it; nil if nothing failed.
    fileprivate var error: JSONValue? {
        guard !failures.isEmpty else { return nil }
        var message = "At least one resource deployment operation failed. `az deployment operation group list` (or `sub list`) shows all of them."
        if !left.isEmpty {
            message += " Not deployed, because they depend on what failed: " + left.prefix(20).map(\.typeAndName).joined(separator: ", ") + (left.count > 20 ? ", …." : ".")
        }
        return ["code": "DeploymentFailed", "message": .string(message), "details": .array(failures.map { $0.error.detail(of: $0.target) })]
    }
}

extension [ResourceID] {
    fileprivate var distinct: [ResourceID] {
        var seen: Set<ResourceID> = []
        return filter { seen.insert($0).inserted }
    }
}
