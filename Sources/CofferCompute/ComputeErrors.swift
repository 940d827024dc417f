import CofferModel

extension APIError {
    /// 400: the name of a disk or a set.
    static func entityNameNotValid(_ name: String) -> APIError {
        invalidParameter(
            "The entity name '\(name.prefix(100))' is invalid according to its validation rule: ^[^_\\W][\\w-._]{0,79}(?<![-.])$. Use up to "
                + "80 letters, digits, '-', '.' and '_', beginning with a letter or digit, not ending with '-' or '.'.",
            target: "name")
    }

    /// 404: a type of Microsoft.Compute that is not served, or something below a resource that it does not have.
    static func computeTypeNotServed(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "'\(path.joined(separator: "/").prefix(200))' could not be found in the namespace 'Microsoft.Compute'. Coffer serves there "
                + "diskEncryptionSets (with associatedResources), disks, unmanagedDisks, snapshots, images, virtualMachines (with extensions, instanceView, vmSizes, start, "
                + "powerOff, deallocate, restart, redeploy, convertToManagedDisks and runCommand), "
                + "virtualMachineScaleSets (with their virtualMachines), availabilitySets, skus and locations (with vmSizes and publishers)."
        )
    }

    /// 400: something of Azure's that is not here yet, said rather than passed over.
    static func notServedYet(_ what: String, target: String?) -> APIError {
        APIError(
            status: 400, code: "NotSupported", message: "\(what) not supported in this version of Coffer; leave it out.", target: target)
    }

    /// 400: the request names no group.
    static let groupRequired = invalidParameter("A resource of Microsoft.Compute is in a resource group: /subscriptions/…/resourceGroups/….")

    /// Runs `body` and throws what a disk host's failure means to the caller.
    static func answering<R>(_ id: ResourceID, _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let failure as DiskFailure {
            throw APIError.diskHost(failure, id)
        }
    }

    /// What a disk host's failure means to the caller of the control plane.
    static func diskHost(_ failure: DiskFailure, _ id: ResourceID) -> APIError {
        let reason = failure.message.hasSuffix(".") ? String(failure.message.dropLast()) : failure.message
        let subject = "The disk '\(id.name)': \(reason)"
        return switch failure.code {
        case .notFound: APIError(status: 409, code: "DiskMissing", message: "\(subject). Its host has no data of it.")
        case .exists, .busy: APIError(status: 409, code: "OperationNotAllowed", message: "\(subject).")
        case .generationChanged: APIError(status: 409, code: "Conflict", message: "\(subject). Try again.")
        case .corruptHeader: APIError(status: 409, code: "DiskHeaderCorrupt", message: "\(subject).")
        case .wrongKey: APIError(status: 409, code: "DiskKeyMismatch", message: "\(subject).")
        case .noSpace: APIError(status: 507, code: "InsufficientStorage", message: "\(subject). Free some space on the host.")
        case .badCommand: APIError(status: 400, code: "InvalidParameter", message: "\(subject).")
        case .system: APIError(status: 503, code: "DiskHostUnavailable", message: "\(subject). Try again; the log of coffer-diskd says more.")
        }
    }
}

extension ResourceID {
    static let computeNamespace = "Microsoft.Compute"

    /// A disk or a disk encryption set by its name.
    ///
    /// - Throws: ``APIError`` unless the name is 1 to 80 letters, digits, `_`, `-` and `.` as Azure wants them.
    static func compute(_ type: String, _ name: String, subscription: String, group: String?) throws -> ResourceID {
        guard let group else { throw APIError.groupRequired }
        func isWord(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 80, isWord(first), isWord(last) || last == UInt8(ascii: "_"),
            bytes.allSatisfy({ isWord($0) || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0) })
        else { throw APIError.entityNameNotValid(name) }
        return ResourceID(subscription: subscription, group: group, namespace: computeNamespace, type: type, name: name)
    }
}
