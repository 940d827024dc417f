import CofferModel

extension DiskCommand {
    /// The command's name, for the log.
    var name: String {
        switch self {
        case .hello: "hello"
        case .create: "create"
        case .open: "open"
        case .close: "close"
        case .rewrap: "rewrap"
        case .suspend: "suspend"
        case .pause: "pause"
        case .resume: "resume"
        case .resize: "resize"
        case .copy: "copy"
        case .reencrypt: "reencrypt"
        case .continueReencryption: "continueReencryption"
        case .steerReencryption: "steerReencryption"
        case .delete: "delete"
        case .inspect: "inspect"
        case .list: "list"
        case .holes: "holes"
        case .changes: "changes"
        case .statistics: "statistics"
        case .limit: "limit"
        case .atHost(let command): "atHost.\(command.name)"
        case .attach: "attach"
        case .listen: "listen"
        case .sync: "sync"
        case .quitIfIdle: "quitIfIdle"
        }
    }
}
