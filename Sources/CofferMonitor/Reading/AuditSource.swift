import CofferCore
package import CofferModel
package import CofferPlatform

/// Where chains are read from: the store itself, or `coffer serve`. Nothing that it says is believed by a verifier.
package protocol AuditSource: Sendable {
    /// Chains in order of their keys, after the key `after`.
    func chains(after: String?) async throws -> AuditChainPage
    /// Events of a chain's stream with a number above `after`, oldest first.
    func page(_ part: AuditPart, of resource: ResourceID, after: Int64) async throws -> AuditPage
}

/// One of a chain's two streams.
package enum AuditPart: String, CaseIterable, Sendable {
    /// ``AuditBlock``s.
    case records
    /// ``SignedHead``s.
    case signatures
}

/// Some chains, as they travel.
package struct AuditChainPage: Codable, Equatable, Sendable {
    package struct Chain: Codable, Equatable, Sendable {
        package let resource: ResourceID
        /// How many records it should have.
        package let count: Int64
    }

    package let value: [Chain]
    /// The key to go on after; nil at the end.
    package let next: String?
}

/// Some events of a stream, as they travel.
package struct AuditPage: Codable, Equatable, Sendable {
    package struct Item: Codable, Equatable, Sendable {
        package let sequence: Int64
        /// The event's body in base64url.
        package let body: String
    }

    package let value: [Item]
    /// The number to go on after; nil at the end.
    package let next: Int64?
}

/// Reads the chains of a store.
package struct StoreAuditSource: AuditSource {
    static let chainsOfPage = 500
    /// A block has at most about 256 KiB.
    static let eventsOfPage = 64

    private let store: any Store
    private let log: StoreAuditLog?

    /// - Parameter log: The log of the same store in this process, if it records: it knows of records behind the last signature.
    package init(store: any Store, log: StoreAuditLog? = nil) {
        self.store = store
        self.log = log
    }

    package func chains(after: String?) async throws -> AuditChainPage {
        let documents = try await store.read {
            try $0.documents(in: AuditHead.collection, prefix: "", after: after, limit: Self.chainsOfPage)
        }
        let chains = try documents.map { document in
            guard let head = try? JSON.decode(AuditHead.self, from: document.body) else {
                throw StoreError.corrupt("\(AuditHead.collection)/\(document.id)")
            }
            return AuditChainPage.Chain(resource: head.resource, count: max(head.count, log?.knownCount(document.id) ?? 0))
        }
        return AuditChainPage(value: chains, next: documents.count == Self.chainsOfPage ? documents.last?.id : nil)
    }

    package func page(_ part: AuditPart, of resource: ResourceID, after: Int64) async throws -> AuditPage {
        let chain = AuditChain(resource)
        let stream = part == .records ? chain.stream : chain.signatures
        let events = try await store.read { try $0.events(in: stream, after: after, limit: Self.eventsOfPage) }
        return AuditPage(
            value: events.map { AuditPage.Item(sequence: $0.sequence, body: Base64URL.encode($0.body)) },
            next: events.count == Self.eventsOfPage ? events.last?.sequence : nil)
    }
}

extension AuditSource {
    /// All chains.
    package func allChains() async throws -> [AuditChainPage.Chain] {
        var chains: [AuditChainPage.Chain] = []
        var after: String?
        repeat {
            let page = try await self.chains(after: after)
            chains += page.value
            // A source that names the same key again would never end.
            guard page.next != after || page.next == nil else { break }
            after = page.next
        } while after != nil
        return chains
    }

    /// The chains of vaults of this name: the one in use and those that had the name before, in other groups.
    package func chains(ofVault name: String) async throws -> [AuditChainPage.Chain] {
        try await allChains().filter {
            $0.resource.isType("Microsoft.KeyVault/vaults") && $0.resource.name.lowercased() == name.lowercased()
        }
    }

    /// Calls `body` with each event of a stream, oldest first, until it returns false.
    package func each(
        _ part: AuditPart, of resource: ResourceID, _ body: (_ sequence: Int64, _ bytes: [UInt8]?) throws -> Bool
    ) async throws {
        var after: Int64? = 0
        while let from = after {
            let page = try await page(part, of: resource, after: from)
            for item in page.value {
                guard try body(item.sequence, Base64URL.decode(item.body)) else { return }
            }
            after = page.next.flatMap { $0 > from ? $0 : nil }
        }
    }
}
