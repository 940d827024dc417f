import CofferCore
package import CofferCrypto
package import CofferModel

/// What an earlier verification said of a chain (``AuditReport``), kept where nobody who can write the store can write.
package struct AuditWitness: Decodable, Equatable, Sendable {
    package let resource: ResourceID
    /// How many records the chain had.
    package let records: Int64
    /// The hash of the last one, in base64url.
    package let hash: String
}

/// Checks chains that a source gives.
package struct AuditVerification: Sendable {
    let source: any AuditSource
    let keys: [Ed25519PublicKey]
    let witnesses: [AuditWitness]

    /// - Parameter keys: The installation's public keys, from where the source has no hand in them.
    package init(source: any AuditSource, keys: [Ed25519PublicKey], witnesses: [AuditWitness] = []) {
        self.source = source
        self.keys = keys
        self.witnesses = witnesses
    }

    /// One chain.
    ///
    /// - Parameter count: How many records the source said it has; nil if it did not say.
    package func verify(_ resource: ResourceID, count: Int64?) async throws -> AuditReport {
        var verifier = AuditVerifier(resource, keys: keys)
        if let count { verifier.expect(count: count) }
        for witness in witnesses where witness.resource == resource && witness.records > 0 {
            verifier.witness(record: witness.records, hash: Base64URL.decode(witness.hash) ?? [])
        }
        // Signatures first: what they name is in the chain already, and stays there.
        try await source.each(.signatures, of: resource) { sequence, body in
            verifier.add(signature: body, sequence: sequence)
            return true
        }
        try await source.each(.records, of: resource) { sequence, body in
            verifier.add(block: body, sequence: sequence)
            return true
        }
        return verifier.report(on: resource)
    }

    /// The chains of vaults of this name; empty if neither the source nor a witness knows one.
    package func verify(vault name: String) async throws -> [AuditReport] {
        try await verify(try await source.chains(ofVault: name)) {
            $0.isType("Microsoft.KeyVault/vaults") && $0.name.lowercased() == name.lowercased()
        }
    }

    /// All chains that the source names, and those that a witness names besides.
    package func verifyAll() async throws -> [AuditReport] {
        try await verify(try await source.allChains()) { _ in true }
    }

    /// `chains`, and those that only a witness names.
    private func verify(_ chains: [AuditChainPage.Chain], _ isMeant: (ResourceID) -> Bool) async throws -> [AuditReport] {
        var reports: [AuditReport] = []
        for chain in chains { reports.append(try await verify(chain.resource, count: chain.count)) }
        let named = Set(chains.map(\.resource))
        var others = Set<ResourceID>()
        for witness in witnesses where isMeant(witness.resource) && !named.contains(witness.resource) {
            guard others.insert(witness.resource).inserted else { continue }
            reports.append(try await verify(witness.resource, count: nil))
        }
        return reports
    }
}
