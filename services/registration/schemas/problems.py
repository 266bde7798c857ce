"""What registration refuses, beyond the refusals of an assessment."""

from shared.problem import ProblemType

PACKAGE_FAULTY = ProblemType(
    "package_faulty",
    422,
    ("政策包有误", "The package is faulty"),
    ("政策包有 {count} 处错误，见 errors", "The package has {count} fault(s), see errors"),
)
PACKAGE_UNKNOWN = ProblemType(
    "package_unknown",
    404,
    ("政策包不存在", "No such package"),
    ("没有方案 {scheme} 的版本 {version}", "Scheme {scheme} has no version {version}"),
)
SCHEME_CONFLICT = ProblemType(
    "scheme_conflict",
    409,
    ("方案冲突", "The scheme conflicts with another"),
    (
        "统筹区 {pool} 的 {year} 年度已是方案 {other}；一个统筹区一个年度只有一个方案",
        "Pool {pool} already has scheme {other} for {year}; a pool has one scheme a year, and a scheme one pool",
    ),
)
SCHEME_UNKNOWN = ProblemType(
    "scheme_unknown",
    404,
    ("方案不存在", "No such scheme"),
    ("统筹区没有已发布的方案 {scheme}", "No scheme {scheme} is published in this pool"),
)
FOUR_EYES = ProblemType(
    "four_eyes",
    409,
    ("须由他人办理", "Another person must do this"),
    (
        "政策包由 {person} 起草或校验，须由另一人发布",
        "{person} drafted or validated the package; somebody else must publish it",
    ),
)
PACKAGE_STATE = ProblemType(
    "package_state",
    409,
    ("政策包状态不符", "The package stands elsewhere"),
    ("该版本现为 {state}，不能办理此事项", "The version is {state}; that cannot be done with it"),
)
PACKAGE_NOT_VALIDATED = ProblemType(
    "package_not_validated",
    409,
    ("政策包尚未校验", "The package is not validated"),
    ("请先校验该版本，再由另一人发布", "Validate the version first; another person then publishes it"),
)
PACKAGE_OVERTAKEN = ProblemType(
    "package_overtaken",
    409,
    ("已有其他版本发布", "Another version was published"),
    (
        "校验之后，方案 {scheme} 已有其他版本生效，请重新校验",
        "Another version of scheme {scheme} came into force since it was validated; validate it again",
    ),
)
WARNINGS_UNANSWERED = ProblemType(
    "warnings_unanswered",
    409,
    ("尚有提示未说明", "Warnings are not answered"),
    ("有 {count} 条提示未逐条说明，见 errors", "{count} warning(s) are not answered, see errors"),
)
CORRECTION_UNEXPLAINED = ProblemType(
    "correction_unexplained",
    409,
    ("须说明更正原因", "The correction is not explained"),
    (
        "方案 {scheme} 已有生效版本，请说明更正原因和起算日（correction）",
        "Scheme {scheme} has a version in force: say why it is corrected and from when (correction)",
    ),
)
NOTHING_TO_CORRECT = ProblemType(
    "nothing_to_correct",
    409,
    ("没有可更正的版本", "Nothing to correct"),
    ("方案 {scheme} 尚无生效版本，不是更正", "Scheme {scheme} has no version in force; this is no correction"),
)
CORRECTION_NOT_YET = ProblemType(
    "correction_not_yet",
    409,
    ("更正尚未起算", "The correction does not count yet"),
    ("更正自 {day} 起算，请在当日或之后发布", "The correction counts from {day}; publish it on that day or later"),
)
DRY_RUN_UNKNOWN = ProblemType(
    "dry_run_unknown",
    404,
    ("试算不存在", "No such dry run"),
    ("没有试算 {run_id}", "There is no dry run {run_id}"),
)
DRY_RUN_NOT_DONE = ProblemType(
    "dry_run_not_done",
    409,
    ("试算尚未完成", "The dry run is not done"),
    ("试算现为 {state}，已算 {done}/{total} 人", "The dry run is {state}; {done} of {total} persons are judged"),
)
UNIT_UNKNOWN = ProblemType(
    "unit_unknown",
    404,
    ("单位不存在", "No such unit"),
    ("统筹区没有单位 {unit_code}", "The pool has no unit {unit_code}"),
)
UNIT_EXISTS = ProblemType(
    "unit_exists",
    409,
    ("单位已存在", "The unit exists"),
    ("单位 {unit_code} 已存在，且内容不同", "Unit {unit_code} exists with other content"),
)
REGION_OUTSIDE_POOL = ProblemType(
    "region_outside_pool",
    422,
    ("不在统筹区内", "Outside the pool"),
    ("区划 {region} 不在统筹区 {pool} 内", "Region {region} lies outside pool {pool}"),
)
ROSTER_UNREADABLE = ProblemType(
    "roster_unreadable",
    422,
    ("花名册无法读取", "The roster cannot be read"),
    ("{reason}", "The file is not a roster: {reason}"),
)
ROSTER_UNKNOWN = ProblemType(
    "roster_unknown",
    404,
    ("花名册不存在", "No such roster"),
    ("没有花名册 {roster_id}", "There is no roster {roster_id}"),
)
ROSTER_NOT_TAKEN = ProblemType(
    "roster_not_taken",
    409,
    ("花名册仍在处理", "The roster is still being taken"),
    ("已处理 {done}/{total} 行，请稍后再取退回行", "{done} of {total} rows are done; ask for the returned rows later"),
)
PERSON_REFUSED = ProblemType(
    "person_refused",
    422,
    ("人员信息有误", "The person cannot be identified"),
    ("人员信息有 {count} 处错误，见 errors", "The person has {count} fault(s), see errors"),
)
ENROLMENT_UNKNOWN = ProblemType(
    "enrolment_unknown",
    404,
    ("参保登记不存在", "No such enrolment"),
    ("没有参保登记 {enrolment_id}", "There is no enrolment {enrolment_id}"),
)
ENROLMENT_STATE = ProblemType(
    "enrolment_state",
    409,
    ("参保登记状态不符", "The enrolment stands elsewhere"),
    ("该参保登记现为 {state}，不能办理此事项", "The enrolment is {state}; that cannot be done with it"),
)
ASSESSMENT_UNKNOWN = ProblemType(
    "assessment_unknown",
    404,
    ("核定不存在", "No such assessment"),
    ("没有核定 {assessment_id}", "There is no assessment {assessment_id}"),
)
CASE_UNKNOWN = ProblemType(
    "case_unknown",
    404,
    ("个案不存在", "No such case"),
    ("没有个案 {case_id}", "There is no case {case_id}"),
)
CASE_DECIDED = ProblemType(
    "case_decided",
    409,
    ("个案无须决定", "Nothing is left to decide"),
    ("个案现为 {state}，不能再决定", "The case is {state}; it cannot be decided"),
)
CASE_MOOT = ProblemType(
    "case_moot",
    409,
    ("花名已不支持该个案", "The lists do not bear the case out"),
    (
        "按部门现行花名，个案 {case_id} 不再成立，只能不予认定（declined）",
        "By what the departments state now, case {case_id} does not hold any more; it can only be declined",
    ),
)
