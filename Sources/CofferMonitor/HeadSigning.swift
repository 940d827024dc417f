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
        for end in log.takeMoved() { await sign(end) }
    }

    /// Signs every head that is not signed: what a process that was killed has left.
    package func signUnsigned() async {
        do {
            let heads = try await store.read { try $0.values(AuditHead.self, in: AuditHead.collection) }
            for head in heads { await signUnsigned(AuditChain(head.resource)) }
        } catch {
            report("unsigned audit chains cannot be looked for: \(error)")
        }
    }

    private func signUnsigned(_ chain: AuditChain) async {
        do {
            guard let end = try await store.read({ try $0.auditEnd(of: chain) }), end.count > end.signed else { return }
            await sign(end)
        } catch {
            report("the end of the audit chain \(chain.key) cannot be found: \(error); look what is wrong with: coffer audit-log verify --all")
        }
    }

    private func sign(_ end: AuditEnd) async {
        let chain = end.chain
        do {
            let time = clock.now()
            let message = SignedHead.message(chain, count: end.count, hash: end.hash, time: time)
            let signed = SignedHead(
                count: end.count, hash: Base64URL.encode(end.hash), time: time, signature: try await signer.sign(message))
            let resource = try await store.write { transaction -> ResourceID? in
                guard var head = try transaction.auditHead(of: chain), head.signed < end.count else { return nil }
                head.moveSigned(to: end)
                try transaction.append(try JSON.encode(signed), to: chain.signatures)
                try transaction.put(head, chain.key, in: AuditHead.collection)
                return head.resource
            }
            log.noteSigned(chain, count: end.count)
            if let resource { report("audit chain of \(resource.text) signed at record \(signed.count), hash \(signed.hash)") }
        } catch {
            report("the audit chain \(chain.key) cannot be signed: \(error)")
        }
    }
}
