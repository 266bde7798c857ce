"""What eligibility refuses, each with a name."""

from shared.problem import ProblemType

FEED_UNKNOWN = ProblemType(
    "feed_unknown",
    404,
    ("数据批次不存在", "No such feed"),
    ("没有数据批次 {feed_id}，请核对编号", "There is no feed {feed_id}; check the identifier"),
)
FEED_UNREADABLE = ProblemType(
    "feed_unreadable",
    422,
    ("文件无法读取", "The file cannot be read"),
    ("文件无法读取：{reason}", "The file cannot be read: {reason}"),
)
FEED_NOT_TAKEN = ProblemType(
    "feed_not_taken",
    409,
    ("数据批次仍在审核", "The feed is still being judged"),
    (
        "已审核 {done}/{total} 行，请稍后再取退回行",
        "{done} of {total} rows are judged; ask for the rejected rows later",
    ),
)
FEED_NOT_IN_STATE = ProblemType(
    "feed_not_in_state",
    409,
    ("数据批次状态不符", "The feed is not in the state for this"),
    ("数据批次现为 {state}，不能这样处理", "The feed is {state}; this cannot be done with it now"),
)
MANIFEST_DIFFERS = ProblemType(
    "manifest_differs",
    422,
    ("文件与清单不符", "The file is not what its manifest says"),
    ("文件与所报清单不符，请核对后重新报送", "The file differs from its manifest; check and send it again"),
)
PART_DIFFERS = ProblemType(
    "part_differs",
    409,
    ("与名单已收到的部分不符", "The part does not fit the list"),
    (
        "名单 {list_id} 已收到的部分与这一部分不一致，请核对后重新报送",
        "The parts of list {list_id} that are here differ from this one; check and send it again",
    ),
)
FULL_LIST_REFUSED = ProblemType(
    "full_list_refused",
    422,
    ("该部门不报送全量名单", "This supplier hands over changes only"),
    (
        "{supplier} 只报送变动名单：名单上没有的人，其身份不因此终止",
        "{supplier} hands over changes only: whom its list does not name loses nothing",
    ),
)
FOUR_EYES = ProblemType(
    "four_eyes",
    403,
    ("须由他人复核", "Another person must decide"),
    ("{subject} 报送了这份名单，不能自己复核", "{subject} handed the list over and cannot decide about it"),
)
NONCE_USED = ProblemType(
    "nonce_used",
    401,
    ("nonce 已用过", "The nonce was used before"),
    (
        "nonce {nonce} 已用过，未作任何处理；如未收到答复，请换新 nonce 重新签名（同一文件不会重复接收）",
        "Nonce {nonce} was used before; nothing was done. If the answer was lost, sign with a new one",
    ),
    challenge="Signature",
)
KEY_ID_TAKEN = ProblemType(
    "key_id_taken",
    409,
    ("密钥编号已存在", "There is a key of that name"),
    ("密钥编号 {key_id} 已存在，请换一个", "There is a key {key_id} already; choose another name"),
)
KEYS_ENOUGH = ProblemType(
    "keys_enough",
    409,
    ("有效密钥已有两个", "Two keys are valid already"),
    ("有效密钥：{keys}；请先停用一个", "Valid keys: {keys}; revoke one of them first"),
)
KEY_UNKNOWN = ProblemType(
    "key_unknown",
    404,
    ("密钥不存在", "No such key"),
    ("没有密钥 {key_id}，请核对编号", "There is no key {key_id}; check its name"),
)
SUPPLIER_UNKNOWN = ProblemType(
    "supplier_unknown",
    422,
    ("数据提供部门未登记", "No such supplier"),
    ("没有数据提供部门 {supplier}，应为：{known}", "There is no supplier {supplier}; known are: {known}"),
)
PERSON_UNKNOWN = ProblemType(
    "person_unknown",
    404,
    ("查无此人", "No such person"),
    (
        "系统中没有此人（{count} 人），请核对证件号码或人员编号",
        "{count} person(s) are not in the register; check the numbers",
    ),
)
KNOWN_AT_IN_FUTURE = ProblemType(
    "known_at_in_future",
    422,
    ("所问时点尚未到来", "The instant lies ahead"),
    ("{known_at} 尚未到来，届时掌握的情况现在无从回答", "{known_at} lies ahead; what is known then cannot be told now"),
)
MATCH_UNKNOWN = ProblemType(
    "match_unknown",
    404,
    ("比对事项不存在", "No such case"),
    ("没有比对事项 {case_id}，请核对编号", "There is no case {case_id}; check the identifier"),
)
NOT_A_CANDIDATE = ProblemType(
    "not_a_candidate",
    422,
    ("不在候选人之列", "Not a candidate"),
    ("{person_id} 不在该事项的候选人之列", "{person_id} is none of the candidates of this case"),
)
MATCH_NOT_DECIDED = ProblemType(
    "match_not_decided",
    409,
    ("比对事项未决定或已撤回", "The case is not decided, or withdrawn"),
    ("比对事项 {case_id} 没有可撤回的决定", "There is no decision of case {case_id} to take back"),
)
MERGE_UNKNOWN = ProblemType(
    "merge_unknown",
    404,
    ("归并事项不存在", "No such merge"),
    ("没有归并事项 {merge_id}，请核对编号", "There is no merge {merge_id}; check the identifier"),
)
MERGE_NOT_IN_STATE = ProblemType(
    "merge_not_in_state",
    409,
    ("归并事项状态不符", "The merge is not in the state for this"),
    ("归并事项现为 {state}，不能这样处理", "The merge is {state}; this cannot be done with it now"),
)
MERGE_MOOT = ProblemType(
    "merge_moot",
    409,
    ("两者已是同一人", "They are one person already"),
    (
        "{merged_id} 与 {surviving_id} 已是同一人，或已有待办的归并事项",
        "{merged_id} and {surviving_id} are one person already, or a merge of them is waiting",
    ),
)
MERGE_OVERTAKEN = ProblemType(
    "merge_overtaken",
    409,
    ("其后又有归并", "A later merge rests on this one"),
    ("其后的归并事项 {merge_id} 须先撤销", "Merge {merge_id} came later; undo that one first"),
)
MERGE_FOUR_EYES = ProblemType(
    "merge_four_eyes",
    403,
    ("须由他人复核", "Another person must decide"),
    ("{subject} 提出了这一事项，不能自己复核", "{subject} has raised this and cannot decide about it"),
)
ERASURE_UNKNOWN = ProblemType(
    "erasure_unknown",
    404,
    ("删除申请不存在", "No such request"),
    ("没有删除申请 {erasure_id}，请核对编号", "There is no request {erasure_id}; check the identifier"),
)
ERASURE_WAITS = ProblemType(
    "erasure_waits",
    409,
    ("已有待办的删除申请", "A request is waiting"),
    ("人员 {person_id} 已有待办的删除申请，请先办结", "A request for person {person_id} is waiting; decide it first"),
)
ERASURE_NOT_IN_STATE = ProblemType(
    "erasure_not_in_state",
    409,
    ("删除申请已办结", "The request was decided"),
    ("删除申请现为 {state}，不能再处理", "The request is {state}; nothing more can be done with it"),
)
ERASURE_FOUR_EYES = ProblemType(
    "erasure_four_eyes",
    403,
    ("须由他人复核", "Another person must decide"),
    ("{subject} 提出了这一申请，不能自己复核", "{subject} has entered this request and cannot decide about it"),
)
PERSON_NEEDED = ProblemType(
    "person_needed",
    409,
    ("该人员信息仍须保存", "The person's data is needed"),
    ("暂不能删除：{reasons}", "Nothing can be erased yet: {reasons}"),
)
DOCUMENT_REFUSED = ProblemType(
    "document_refused",
    422,
    ("证件有误", "The document is not good"),
    ("{detail}", "The document cannot be taken: {detail}"),
)
PERSON_ERASED = ProblemType(
    "person_erased",
    409,
    ("个人信息已删除", "The person was erased"),
    (
        "{count} 人的姓名和证件号码已删除，不能再补登证件或归并",
        "Name and numbers of {count} persons were erased; no document or merge is tied to them any more",
    ),
)
DOCUMENT_OF_ANOTHER = ProblemType(
    "document_of_another",
    409,
    ("证件已登记在他人名下", "Another person has this document"),
    (
        "该证件已登记在人员 {person_id} 名下；如系同一人，请提出归并（POST /v1/merges）",
        "Person {person_id} has this document; if both are one person, propose a merge (POST /v1/merges)",
    ),
)
