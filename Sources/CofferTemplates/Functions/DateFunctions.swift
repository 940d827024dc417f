import CofferCore
import CofferModel

/// Functions of time. All times are in UTC.
enum DateFunctions {
    static let all: [String: TemplateFunction] = [
        "utcNow": .inContext(0...1) { arguments, evaluator, context in
            guard case .parameterDefault = context.place else { throw TemplateFailure.onlyInDefault(arguments.name) }
            return .string(try DateFormat(try arguments.optionalString(0) ?? "yyyyMMddTHHmmssZ").text(of: evaluator.facts.now, arguments))
        },
        "dateTimeAdd": .of(2...3) { arguments in
            let start = try moment(try arguments.string(0), arguments)
            guard let duration = TimeSpan(try arguments.string(1)) else { throw arguments.failure("its argument 2 is no duration such as 'P3D' or '-PT9H'") }
            let format = try arguments.optionalString(2) ?? "yyyy-MM-ddTHH:mm:ssZ"
            return .string(try DateFormat(format).text(of: duration.added(to: start), arguments))
        },
        "dateTimeFromEpoch": .of(1) { arguments in
            let seconds = try arguments.int(0)
            guard (-62_135_596_800...253_402_300_799).contains(seconds) else { throw arguments.failure("its argument is no time of the years 1 to 9999") }
            return .string(try DateFormat("yyyy-MM-ddTHH:mm:ssZ").text(of: Timestamp(seconds: seconds), arguments))
        },
        "dateTimeToEpoch": .of(1) { arguments in .int(try moment(try arguments.string(0), arguments).seconds) },
    ]

    /// ISO 8601: a date, and perhaps a time and an offset.
    private static func moment(_ text: String, _ arguments: FunctionArguments) throws -> Timestamp {
        let pattern = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/
        guard let match = try pattern.wholeMatch(in: text) else { throw arguments.failure("its argument is no time such as '2026-01-31T09:30:00Z'") }
        func number(_ part: Substring?) -> Int64 { part.flatMap { Int64($0) } ?? 0 }
        let date = CivilDate(year: number(match.1), month: number(match.2), day: number(match.3))
        let (hour, minute, second) = (number(match.4), number(match.5), number(match.6))
        guard date.year >= 1, (1...12).contains(date.month), (1...date.daysInMonth).contains(date.day), hour < 24, minute < 60, second < 60 else {
            throw arguments.failure("its argument is no time that there is")
        }
        var offset: Int64 = 0
        if let zone = match.8, zone != "Z" {
            let digits = zone.filter(\.isNumber)
            offset = (number(digits.prefix(2)) * 60 + number(digits.suffix(2))) * (zone.hasPrefix("-") ? -60 : 60)
        }
        let thousandths = number((match.7.map { $0 + "000" } ?? "000").prefix(3))
        let seconds = date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Timestamp(milliseconds: seconds * 1000 + thousandths)
    }
}

/// A duration of ISO 8601 with a sign, months and years as the calendar has them.
struct TimeSpan {
    private let months: Int64
    private let days: Int64
    private let seconds: Int64

    init?(_ text: String) {
        let pattern = /^(-)?P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?$/
        guard let match = try? pattern.wholeMatch(in: text.uppercased()) else { return nil }
        func number(_ part: Substring?) -> Int64 { part.flatMap { Int64($0) } ?? 0 }
        let sign: Int64 = match.1 == nil ? 1 : -1
        months = sign * (number(match.2) * 12 + number(match.3))
        days = sign * (number(match.4) * 7 + number(match.5))
        seconds = sign * (number(match.6) * 3600 + number(match.7) * 60 + number(match.8))
        if [match.2, match.3, match.4, match.5, match.6, match.7, match.8].allSatisfy({ $0 == nil }) { return nil }
    }

    func added(to start: Timestamp) -> Timestamp {
        let day = start.seconds >= 0 ? start.seconds / 86_400 : (start.seconds - 86_399) / 86_400
        let timeOfDay = start.milliseconds - day * 86_400_000
        let date = CivilDate(daysSince1970: day).adding(months: months)
        return Timestamp(milliseconds: (date.daysSince1970 + days) * 86_400_000 + timeOfDay + seconds * 1000)
    }
}

/// A .NET format of date and time: a standard one of one letter, or a custom one.
struct DateFormat {
    private let format: [Character]

    init(_ format: String) {
        let standard = [
            "d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "s": "yyyy-MM-ddTHH:mm:ss", "u": "yyyy-MM-dd HH:mm:ssZ", "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
            "O": "yyyy-MM-ddTHH:mm:ss.fffffffZ", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "t": "HH:mm",
            "T": "HH:mm:ss", "g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "y": "yyyy MMMM", "Y": "yyyy MMMM", "m": "MMMM dd", "M": "MMMM dd",
            "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
        ]
        self.format = Array(standard[format] ?? format)
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    func text(of time: Timestamp, _ arguments: FunctionArguments) throws -> String {
        guard (-62_135_596_800...253_402_300_799).contains(time.seconds) else { throw arguments.failure("its result is no time of the years 1 to 9999") }
        guard format.count <= 200 else { throw arguments.failure("its format is longer than 200 characters") }
        var text = ""
        var index = 0
        while index < format.count {
            let character = format[index]
            switch character {
            case "'", "\"":
                guard let end = format[(index + 1)...].firstIndex(of: character) else { throw arguments.failure("its format has a quotation mark alone") }
                text += String(format[(index + 1)..<end])
                index = end + 1
            case "\\":
                if index + 1 < format.count { text.append(format[index + 1]) }
                index += 2
            case "%": index += 1
            default:
                let length = format[index...].prefix { $0 == character }.count
                text += Self.part(character, length, time) ?? String(repeating: String(character), count: length)
                index += length
            }
        }
        return text
    }

    private static func part(_ letter: Character, _ length: Int, _ time: Timestamp) -> String? {
        let day = time.seconds >= 0 ? time.seconds / 86_400 : (time.seconds - 86_399) / 86_400
        let date = CivilDate(daysSince1970: day)
        let second = time.seconds - day * 86_400
        func digits(_ value: Int64, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        switch letter {
        case "y": return length <= 2 ? digits(date.year % 100, length) : digits(date.year, length)
        case "M":
            let name = months[Int(date.month - 1)]
            return length <= 2 ? digits(date.month, length) : length == 3 ? String(name.prefix(3)) : name
        case "d":
            let name = weekdays[Int((day % 7 + 11) % 7)]
            return length <= 2 ? digits(date.day, length) : length == 3 ? String(name.prefix(3)) : name
        case "H": return digits(second / 3600, min(length, 2))
        case "h": return digits((second / 3600 + 11) % 12 + 1, min(length, 2))
        case "m": return digits(second / 60 % 60, min(length, 2))
        case "s": return digits(second % 60, min(length, 2))
        case "f": return String((digits((time.milliseconds % 1000 + 1000) % 1000, 3) + "0000").prefix(length))
        case "t": return String((second < 43_200 ? "AM" : "PM").prefix(length))
        case "z": return length == 1 ? "+0" : length == 2 ? "+00" : "+00:00"
        case "K": return "Z"
        default: return nil
        }
    }
}
