import CofferCore
import CofferModel
import CofferPlatform

/// Coffer's own operations on disks over HTTP. Decodes, calls ``DiskOperationsService``, encodes; decides nothing.
struct DiskOperationsRoutes: Sendable {
    let service: DiskOperationsService
    let certificates: DiskCertificatesService
    let holders: HoldersService
    let settings: ComputeSettings

    /// The body of `exportKey` and `certificate`: who opens the box with the key.
    private struct ExportBody: Decodable {
        let recipientKey: String

        /// An X25519 public key, 32 bytes.
        func key() throws -> [UInt8] {
            guard let publicKey = Base64URL.decode(recipientKey), publicKey.count == 32 else { throw APIError.recipientKeyNotValid }
            return publicKey
        }
    }

    /// The body of `hostCertificate`.
    private struct HostBody: Decodable {
        let host: String
    }

    /// The body of `revokeCertificate`.
    private struct RevocationBody: Decodable {
        let fingerprint: String
    }

    /// The body of `changes`.
    private struct ChangesBody: Decodable {
        /// The id of the earlier snapshot.
        let since: String
    }

    /// The body of `reencrypt` and of `steerReencryption`.
    private struct ReencryptionBody: Decodable {
        /// In bytes of the disk; 0 for no limit. Left out: no limit, or the one that it has.
        let bytesPerSecond: Int64?
        /// Left out: as it is.
        let isPaused: Bool?

        func limit() throws -> UInt64? {
            guard let bytesPerSecond else { return nil }
            guard 0...(1 << 53) ~= bytesPerSecond else { throw APIError.rateNotValid }
            return UInt64(bytesPerSecond)
        }
    }

    func answer(_ call: DiskOperationCall, _ request: APIRequest, by grant: Grant) async throws -> APIResponse {
        switch call.operation {
        case .list:
            let found = try await service.list(in: call.scope, by: grant)
            return try .json(InspectedDiskList(value: found.disks.map(show), refused: found.refused))
        case .attach: return try .json(show(try await service.attach(call.scope, by: grant)))
        case .detach: return try .json(show(try await service.detach(call.scope, by: grant)))
        case .inspect: return try .json(show(try await service.inspect(call.scope, by: grant)))
        case .stats:
            let (record, statistics) = try await service.statistics(call.scope, by: grant)
            return try .json(DiskStatisticsResource(record, statistics))
        case .certificate:
            let publicKey = try request.decode(ExportBody.self).key()
            return try answer(try await certificates.issue(for: call.scope, by: grant), sealedTo: publicKey)
        case .hostCertificate:
            let publicKey = try request.decode(ExportBody.self).key()
            return try answer(try await certificates.issue(forHost: request.decode(HostBody.self).host, by: grant), sealedTo: publicKey)
        case .certificates: return try .json(DiskCertificateList(value: try await certificates.list(by: grant).map(DiskCertificateEntry.init)))
        case .revokeCertificate:
            let text = try request.decode(RevocationBody.self).fingerprint
            guard let fingerprint = DiskCertificateRecord.fingerprint(text) else { throw APIError.fingerprintNotValid }
            return try .json(DiskCertificateEntry(try await certificates.revoke(fingerprint, by: grant)))
        case .exportKey:
            let key = try await service.exportKey(call.scope, to: try request.decode(ExportBody.self).key(), by: grant)
            return try .json(
                ExportedKeyResource(key, store: settings.diskStore), headers: ["cache-control": "no-store"])
        case .reencrypt:
            let limit = try request.decode(ReencryptionBody.self).limit()
            return try .json(ReencryptionResource(try await service.reencrypt(call.scope, bytesPerSecond: limit ?? 0, by: grant)), status: 202)
        case .steerReencryption:
            let body = try request.decode(ReencryptionBody.self)
            let steered = try await service.steer(call.scope, isPaused: body.isPaused, bytesPerSecond: body.limit(), by: grant)
            return try .json(ReencryptionResource(steered))
        case .reencryption: return try .json(ReencryptionResource(try await service.reencryption(of: call.scope, by: grant)))
        case .changes:
            let text = try request.decode(ChangesBody.self).since
            guard let base = ResourceID(text), base.isType("Microsoft.Compute/snapshots") else { throw APIError.changesBaseNotValid }
            return try .json(ChangesResource(changes: try await service.changes(call.scope, since: base, by: grant)))
        case .dataKeys: return try .json(HolderReportResource(try await holders.holders(in: call.scope, by: grant)))
        case .keyImpact:
            let text = request.parameter("key") ?? ""
            guard let key = KeyReference(text) else { throw APIError.keyReferenceNotValid(text) }
            return try .json(KeyImpactResource(try await holders.impact(of: key, in: call.scope, by: grant), of: key))
        case .status: return try .json(RotationProgressResource(try await holders.progress(of: call.scope, by: grant)))
        case .holes: return try .json(HolesResource(holes: try await service.holes(call.scope, by: grant)))
        }
    }

    private func answer(_ certificate: borrowing DiskCertificate, sealedTo publicKey: [UInt8]) throws -> APIResponse {
        try .json(
            DiskCertificateResource(certificate, sealedTo: publicKey, address: certificates.certificates?.address),
            headers: ["cache-control": "no-store"])
    }

    private func show(_ disk: InspectedDisk) -> InspectedDiskResource {
        InspectedDiskResource(disk, store: settings.diskStore, secureAddress: certificates.certificates?.address)
    }
}
