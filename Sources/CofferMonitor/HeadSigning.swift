package import CofferCore
import CofferModel
package import CofferPlatform

/// Signs the heads of the chains that were lengthened: once a period, sooner where many records have come, and at the end.
package struct HeadSigning: Sendable {
    let log: StoreAuditLog
    let store: any Store
    let signer: any HeadSigner
    let clock: any WallClock
    let period: Duration
    let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - log: The log of the same store, which tells what was lengthened.
    ///   - period: How long a record waits for a signature.
    ///   - report: Is told of each signed head, so that a log kept elsewhere bears witness, and of failures.
    package init(
        log: StoreAuditLog, store: any Store, signer: any HeadSigner, clock: any WallClock, period: Duration = .seconds(60),
        report: @escaping @Sendable (String) -> Void
    ) {
        self.log = log
        self.store = store
        self.signer = signer
        self.clock = clock
        self.period = period
        self.report = report
    }

    /// Signs until the task is cancelled, and then once more.
    package func run() async {
        let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (rings, period) = (log.isDue.rings(), period)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in rings { waker.yield() }
            }
            group.addTask {
                while (try? await Task.sleep(for: period)) != nil { waker.yield() }
            }
            await signUnsigned()
            for await _ in wakes { await signMoved() }
            group.cancelAll()
        }
        await signMoved()
    }

    /// Signs the heads of the chains that were lengthened since the last time.
    package func signMoved() async {
        for chain in log.takeMoved() { await sign(chain) }
    }

    /// Signs every head that is not signed: what a process that was killed has left.
    package func signUnsigned() async {
        do {
            let heads = try await store.read { try $0.values(AuditHead.self, in: AuditHead.collection) }
            for head in heads where head.count > head.signed { await sign(AuditChain(head.resource)) }
        } catch {
            report("unsigned audit chains cannot be looked for: \(error)")
        }
    }

    private func sign(_ chain: AuditChain) async {
        do {
            guard let head = try await store.read({ try $0.auditHead(of: chain) }), head.count > head.signed,
                let hash = Base64URL.decode(head.hash)
            else { return }
            let time = clock.now()
            let message = SignedHead.message(chain, count: head.count, hash: hash, time: time)
            let signed = SignedHead(count: head.count, hash: head.hash, time: time, signature: try await signer.sign(message))
            let isNew = try await store.write { transaction in
                guard var now = try transaction.auditHead(of: chain), now.signed < signed.count else { return false }
                now.signed = signed.count
                try transaction.append(try JSON.encode(signed), to: chain.signatures)
                try transaction.put(now, chain.key, in: AuditHead.collection)
                return true
            }
            if isNew { report("audit chain of \(head.resource.text) signed at record \(signed.count), hash \(signed.hash)") }
        } catch {
            report("the audit chain \(chain.key) cannot be signed: \(error)")
        }
    }
}
