import CofferCore
import CofferModel
import CofferPlatform

/// Keeps the rotation policies of keys, and does what they say when its time has come.
struct RotationPolicyService: Sendable {
    let store: any Store
    let keys: KeysService
    let audit: VaultAudit
    let clock: any WallClock
    let settings: VaultSettings

    /// A key's policy; nil if it has none of its own.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func policy(of name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> RotationPolicy? {
        try await store.read { transaction in
            _ = try transaction.object(.keys, name, in: vault)
            return try transaction.rotationPolicy(of: name, in: vault)
        }
    }

    /// Gives a key a policy in place of the one that it has.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, ``APIError/isManaged(_:_:)``, or ``APIError/badParameter(_:)``.
    func set(
        _ body: RotationPolicyBody, of name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> RotationPolicy {
        let now = clock.now()
        return try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let key = try transaction.object(.keys, name, in: vault)
            guard !key.isManaged else { throw APIError.isManaged(.keys, key.name) }
            let existing = try transaction.rotationPolicy(of: name, in: vault)
            var policy = try RotationPolicy(body, created: existing?.created ?? now, updated: now)
            policy.notifiedVersion = existing?.notifiedVersion
            try transaction.put(policy, of: name, in: vault)
            try transaction.scheduleRotation(of: name, in: vault)
            return policy
        }
    }

    /// Rotates a key or announces its expiry if that is due, and makes a note of what is due next. For ``VaultKeeper``.
    func act(on item: AgendaItem, in vault: VaultRecord) async throws {
        let name = try ObjectName(item.name)
        let now = clock.now()
        let found = try await store.read { transaction -> (policy: RotationPolicy, version: KeyVersionRecord)? in
            guard try transaction.objectIfAny(.keys, name, in: vault) != nil,
                let policy = try transaction.rotationPolicy(of: name, in: vault)
            else { return nil }
            return (policy, try transaction.version(KeyVersionRecord.self, of: name, nil, in: vault))
        }
        guard let (policy, version) = found, version.isEnabled else { return }
        if let due = policy.noticeTime(of: version), due <= now {
            // The notice comes first: after a failure in between it may come twice, but never be missing.
            try await record("KeyNearExpiryEventGridNotification", version, in: vault)
            try await store.write { transaction in
                guard var policy = try transaction.rotationPolicy(of: name, in: vault) else { return }
                policy.notifiedVersion = version.version
                try transaction.put(policy, of: name, in: vault)
            }
        }
        if let due = policy.rotationTime(of: version), due <= now {
            let made = try await keys.rotate(name, in: vault, replacing: version.version)
            if let made { try await record("KeyRotateIfDue", made, in: vault) }
        }
        try await store.write { try $0.scheduleRotation(of: name, in: vault) }
    }

    private func record(_ operation: String, _ version: KeyVersionRecord, in vault: VaultRecord) async throws {
        let origin = AuditOrigin(started: clock.now(), address: "", correlationID: "", clientInfo: "Coffer", uri: nil)
        let host = VaultName(vault.name).map { settings.host(of: $0) } ?? ""
        _ = try await audit.recording(operation, on: vault.id, by: nil, from: origin, object: version.url(host: host).text) {
            APIResponse(status: 200)
        }
    }
}

extension ReadTransaction {
    /// The policy that a key was given, or nil.
    func rotationPolicy(of name: ObjectName, in vault: VaultRecord) throws -> RotationPolicy? {
        try value(RotationPolicy.self, ObjectRecord.path(name, in: vault), in: RotationPolicy.collection)?.value
    }
}

extension WriteTransaction {
    func put(_ policy: RotationPolicy, of name: ObjectName, in vault: VaultRecord) throws {
        try put(policy, ObjectRecord.path(name, in: vault), in: RotationPolicy.collection)
    }

    /// Makes a note of when the key's policy, if it has one, asks for something next. To be called after every change of the policy, of
    /// the current version, or of its attributes.
    func scheduleRotation(of name: ObjectName, in vault: VaultRecord) throws {
        guard let policy = try rotationPolicy(of: name, in: vault), try objectIfAny(.keys, name, in: vault) != nil else { return }
        let version = try version(KeyVersionRecord.self, of: name, nil, in: vault)
        guard let due = policy.nextTime(for: version) else { return }
        try schedule(AgendaItem(.policy, of: .keys, name, in: vault, due: due))
    }
}
