/** What went wrong, as problem+json says it. */
export class Problem extends Error {
  /** @param {{title: string, detail?: string, status?: number, request_id?: string}} problem */
  constructor({title, detail = "", status = 0, request_id = ""}) {
    super(detail || title);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.requestId = request_id;
  }
}
