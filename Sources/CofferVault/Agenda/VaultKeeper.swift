import CofferCore
import CofferModel
import CofferPlatform

/// Does what vaults do by themselves: purges at the end of retention, rotates keys and renews certificates by their policies.
///
/// Any number of replicas may run one each: an action happens in a transaction that finds its reason still there, so it happens once.
package struct VaultKeeper: Sendable {
    /// Acts on a reminder. It is called again after a failure, so it must look whether there is still something to do.
    typealias Action = @Sendable (AgendaItem, VaultRecord) async throws -> Void

    /// How long after a failure it is tried again.
    static let retryDelay: Duration = .seconds(60)
    /// How long a deleted vault's objects are left alone before it is looked whether the vault is back.
    static let deletedVaultDelay: Duration = .seconds(3600)

    let store: any Store
    let clock: any WallClock
    /// By task and kind of object.
    let actions: [AgendaItem.Task: [ObjectKind: Action]]
    let purgeVault: @Sendable (VaultRecord) async throws -> Void
    /// Destroys the keys in the token that nothing names any more.
    let sweepToken: @Sendable () async throws -> Void
    let report: @Sendable (String) -> Void

    /// Looks every `interval` until the task is cancelled.
    package func run(every interval: Duration) async {
        while !Task.isCancelled {
            await runDue()
            try? await Task.sleep(for: interval)
        }
    }

    /// Does everything that is due now.
    package func runDue() async {
        while let items = await dueItems(), !items.isEmpty {
            for item in items where !Task.isCancelled { await run(item) }
            if Task.isCancelled { return }
        }
        do {
            try await sweepToken()
        } catch {
            report("keys that were purged are still in the token: \(error)")
        }
    }

    private func dueItems() async -> [AgendaItem]? {
        let now = clock.now()
        do {
            let items = try await store.read { transaction in
                try transaction.documents(in: AgendaItem.collection, prefix: "", after: nil, limit: 50).map { document in
                    guard let item = try? JSON.decode(AgendaItem.self, from: document.body) else {
                        throw StoreError.corrupt("\(AgendaItem.collection)/\(document.id)")
                    }
                    return item
                }
            }
            return items.filter { $0.due <= now }
        } catch {
            report("the agenda cannot be read: \(error)")
            return nil
        }
    }

    private func run(_ item: AgendaItem) async {
        do {
            if try await act(on: item) {
                try await store.write { try $0.unschedule(item) }
            } else {
                await postpone(item, by: Self.deletedVaultDelay)
            }
        } catch {
            report("\(item.task.rawValue) of \(item.kind.noun) '\(item.name)' in vault '\(item.vault)' is tried again: \(error)")
            await postpone(item, by: Self.retryDelay)
        }
    }

    /// Returns whether the item is done with; false if its vault is deleted and may come back.
    private func act(on item: AgendaItem) async throws -> Bool {
        guard let name = VaultName(item.vault) else { return true }
        let vault = try await store.read { try $0.value(VaultRecord.self, name.key, in: VaultRecord.collection)?.value }
        guard let vault, vault.instance == item.instance else { return true }
        if item.task == .purgeVault {
            try await purgeVault(vault)
            return true
        }
        guard vault.deletion == nil else { return false }
        guard let action = actions[item.task]?[item.kind] else { return true }
        try await action(item, vault)
        return true
    }

    private func postpone(_ item: AgendaItem, by delay: Duration) async {
        let later = item.moved(to: clock.now().adding(delay))
        do {
            try await store.write { transaction in
                try transaction.unschedule(item)
                try transaction.schedule(later)
            }
        } catch {
            report("the agenda cannot be written: \(error)")
        }
    }
}
