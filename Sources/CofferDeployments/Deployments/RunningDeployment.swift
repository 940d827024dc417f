import CofferCore
import CofferModel
import CofferPlatform

/// Says that a deployment is running, as stored in the collection `running-deployments` under its id in lower case for as long as it does. It is small, for
/// it is looked at before each operation.
struct RunningDeployment: Codable, Equatable, Sendable {
    static let collection = "running-deployments"

    /// The PUT that began it.
    let run: String
    /// Until when the process that runs it can be taken to be alive.
    let leaseEnd: Timestamp
}

extension ReadTransaction {
    func running(_ deployment: ResourceID) throws -> RunningDeployment? {
        try value(RunningDeployment.self, deployment.key, in: RunningDeployment.collection)?.value
    }

    /// Whether the process that runs a deployment can be taken to be alive.
    func isAlive(_ record: DeploymentRecord, at now: Timestamp) throws -> Bool {
        guard let running = try running(record.id), running.run == record.run else { return false }
        return running.leaseEnd >= now
    }
}

extension WriteTransaction {
    func setRunning(_ deployment: ResourceID, _ running: RunningDeployment) throws {
        try put(running, deployment.key, in: RunningDeployment.collection)
    }

    /// Stores a deployment that does not run any more.
    func putEnded(_ record: DeploymentRecord) throws {
        try remove(record.id.key, in: RunningDeployment.collection, if: .any)
        try put(record, record.id.key, in: DeploymentRecord.collection)
    }

    /// Removes what is written of the operations of a deployment.
    func forgetOperations(of deployment: ResourceID) throws {
        let prefix = OperationRecord.prefix(of: deployment)
        while true {
            let page = try documents(in: OperationRecord.collection, prefix: prefix, after: nil, limit: 500)
            for document in page { try remove(document.id, in: OperationRecord.collection, if: .any) }
            if page.count < 500 { return }
        }
    }

    /// Removes all that is written of a deployment. Returns whether there was one.
    @discardableResult
    func forget(_ deployment: ResourceID) throws -> Bool {
        try forgetOperations(of: deployment)
        try remove(deployment.key, in: RunningDeployment.collection, if: .any)
        return try remove(deployment.key, in: DeploymentRecord.collection, if: .any)
    }

    /// Makes room for a new deployment of a scope.
    func forgetOldest(in scope: ResourceID, over limit: Int) throws {
        let prefix = DeploymentRecord.prefix(of: scope)
        guard try documents(in: DeploymentRecord.collection, prefix: prefix, after: nil, limit: limit + 1).count > limit else { return }
        let records = try values(DeploymentRecord.self, in: DeploymentRecord.collection, prefix: prefix)
        for record in records.filter(\.state.isTerminal).sorted(by: { $0.started < $1.started }).prefix(records.count - limit) {
            try forget(record.id)
        }
    }
}
