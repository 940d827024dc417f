import CofferCore
import CofferModel

/// What is to be done about a disk, from what is wanted of it and what its host has.
enum DiskMachine {
    enum Step: Equatable {
        case nothing
        /// A creation, a deletion or a change was interrupted, or is in progress.
        case settle
        /// It is wanted and closed.
        case open
        /// It is open and not wanted.
        case close
        /// It is served, and its keys may have become unusable.
        case check
        /// It is suspended, and its keys may have become usable.
        case revive
        /// It is wanted and its host does not have it.
        case missing
        /// The access to it has expired.
        case endAccess
    }

    static func step(for record: DiskRecord, _ status: DiskStatus?, at now: Timestamp) -> Step {
        if record.isUnsettled { return .settle }
        guard record.phase == .succeeded else { return .nothing }
        if record.access != nil, record.access(at: now) == nil { return .endAccess }
        switch (record.isServed, status?.state) {
        case (true, nil), (true, .copying), (true, .failed): return .missing
        case (true, .closed): return .open
        case (true, .open): return .check
        case (true, .suspended): return .revive
        case (false, .open), (false, .suspended): return .close
        case (false, .closed), (false, .copying), (false, .failed), (false, nil): return .nothing
        }
    }
}
