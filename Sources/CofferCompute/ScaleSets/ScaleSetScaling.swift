import CofferCore
import CofferModel
import CofferPlatform

/// Brings scale sets to the instances that they should have, each in a task of this process. One that a crash ends is not taken up again, and
/// the set says so.
struct ScaleSetScaling: Sendable {
    let store: any Store
    let machines: MachinesService
    let instances: ScaleSetInstances
    let clock: any WallClock
    let turns: Turns
    let tasks = ResourceTasks()
    let report: @Sendable (String) -> Void

    /// Begins to bring a set to what its record says. The caller holds the set's turn, and so this begins when it gives it up.
    func begin(_ set: ScaleSetRecord, by grant: Grant) {
        tasks.begin(set.id) {
            do {
                try await turns.take(set.id.key) { try await settle(set, by: grant) }
                return nil
            } catch let refusal as APIError {
                return refusal
            } catch {
                report("scale set \(set.id.text): \(error.forLog)")
                return APIError(status: 500, code: "InternalError", message: "The scale set could not be changed; the server's log says more.")
            }
        }
    }

    /// Says of sets whose change was interrupted that they failed.
    func abandonInterrupted() async {
        do {
            for set in try await store.read({ try $0.scaleSets(in: nil) }) where set.isChanging && !tasks.isRunning(set.id) {
                try await turns.take(set.id.key) {
                    guard let now = try await store.read({ try $0.scaleSet(set.id) }), now.isChanging, !tasks.isRunning(set.id) else { return }
                    try await end(now, .scaleSetInterrupted())
                }
            }
        } catch {
            report("scale sets: \(error.forLog)")
        }
    }

    private func settle(_ set: ScaleSetRecord, by grant: Grant) async throws {
        do {
            try await converge(set, by: grant)
            try await end(set, nil)
        } catch {
            let refusal = (error as? APIError)
                ?? APIError(status: 409, code: "OperationPreempted", message: "The change of the scale set was ended before it was done.")
            try await end(set, refusal)
            throw error is CancellationError ? refusal : error
        }
    }

    private func converge(_ set: ScaleSetRecord, by grant: Grant) async throws {
        let all = try await store.read { try $0.instances(of: set.id) }
        // What an earlier change left behind.
        try await instances.remove(all.filter { $0.phase != .succeeded }, isForced: true, by: grant)
        let whole = all.filter { $0.phase == .succeeded }
        let surplus = whole.filter { $0.instance?.isProtectedFromScaleIn != true }.suffix(max(0, whole.count - set.capacity))
        try await instances.remove(Array(surplus), isForced: false, by: grant)
        if set.upgrade == .automatic {
            let stale = whole.filter { record in record.instance?.version != set.version && !surplus.contains { $0.id == record.id } }
            for record in stale { try await instances.update(record.id, to: set, by: grant) }
        }
        let missing = set.capacity - whole.count
        if missing > 0 { try await make(missing, of: set, by: grant) }
    }

    /// Makes instances; of those that cannot be made nothing is left.
    ///
    /// - Throws: ``APIError``: why the first of them could not be made.
    private func make(_ count: Int, of set: ScaleSetRecord, by grant: Grant) async throws {
        let counted = try await store.write { try $0.change(set) { $0.next += count } }
        guard let counted else { throw APIError.resourceNotFound(set.id) }
        let refusals = try await sideBySide(Array((counted.next - count)..<counted.next), width: 4) { number -> (any Error)? in
            do {
                try await instances.make(number, of: counted, by: grant)
                return nil
            } catch {
                return error
            }
        }
        let failed = try await store.read { try $0.instances(of: set.id).filter { $0.phase != .succeeded } }
        try await instances.remove(failed, isForced: true, by: grant)
        let errors = refusals.compactMap { $0 }
        if let error = errors.first(where: { $0 is APIError }) ?? errors.first { throw error }
    }

    private func end(_ set: ScaleSetRecord, _ refusal: APIError?) async throws {
        let reason = refusal.map { MachineRecord.Reason(code: $0.code, message: $0.message, since: clock.now()) }
        _ = try await store.write { try $0.change(set) { ($0.phase, $0.reason) = (reason == nil ? .succeeded : .failed, reason) } }
    }
}

extension ScaleSetRecord {
    var isChanging: Bool { phase == .creating || phase == .updating }
}
